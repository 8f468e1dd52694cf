"""What a tool is: its arguments, whether it writes, and the permit that its effect demands."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

_LARGEST_FLOAT = 1e16
_DEEPEST = 40  # our own arguments are four levels deep
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class ToolArgs(BaseModel):
    """Arguments as a model gives them. Unknown fields are refused; `title` is the tool's name."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Effect(StrEnum):
    """Whether a tool only looks or stages something that will be written."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """One tool of the agent's surface; `args.__doc__` is what the model reads about it."""

    name: str
    args: type[ToolArgs]
    effect: Effect


def canonical(value: object) -> str:
    """JSON with sorted keys and no spaces: the one form that is hashed, so equal things hash alike."""
    return _CANONICAL.encode(value)


def storable(value: Any, depth: int = 0) -> Any:
    """`value` as JSON that the database can hold; arguments of a model may be anything.

    NUL and half surrogates become U+FFFD, a number that is none becomes its name, what is nested too deep is cut off.
    """
    if depth > _DEEPEST:
        return None
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, float):
        # As large as that, or as minus zero, it would come back from the database as another number.
        return value + 0.0 if abs(value) < _LARGEST_FLOAT else str(value)
    if isinstance(value, Mapping):
        return {storable(str(key)): storable(content, depth + 1) for key, content in value.items()}
    return [storable(item, depth + 1) for item in value] if isinstance(value, list | tuple) else value


def digest(value: object) -> str:
    """Hash of `value`'s canonical JSON, 32 hex digits (BLAKE2b-128)."""
    return hashlib.blake2b(canonical(value).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Action:
    """One call that somebody proposed for one customer: `args` is the tool's arguments as plain JSON.

    `salt` is the customer's own: once it is erased, nobody can try out what a kept digest was made of.
    """

    customer_id: str
    tool: str
    args: Mapping[str, Any]
    salt: str = field(default="", repr=False, compare=False)
    digest: str = field(init=False, compare=False)  # names exactly this action: it is asked for all the time

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", digest([self.salt, self.customer_id, self.tool, self.args]))


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to make one action true. Only the policy gate makes one, and every effect demands one."""

    decision_id: int
    episode_id: str
    customer_id: str
    digest: str
