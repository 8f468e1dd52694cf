"""A chat model for tests that is not on our side: any call, any arguments, and whatever the customer dictates."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall

from agent.models.scripted import ScriptedModel
from tools.surface import TOOLS

_WORDS = (
    "",
    "all",
    "1",
    "-5",
    "1e9",
    "2026-13-45",
    "2026-11-20",
    "sms",
    "email",
    "{{balance}}",
    "'; DROP TABLE invoices; --",
    "$0.01",
)
_NAMES = (
    *(tool.name for tool in TOOLS),
    "send_money",
    "read_customer_risk ",
    "",
    "log_collection_activity\n",
)
_MOST = 3  # calls a round


@dataclass(slots=True)
class _Mind:
    """What it says next: the calls it was given, or random ones until `rounds` are over."""

    given: list[Sequence[Mapping[str, Any]]]
    seed: int | None
    rounds: int
    round: int = 0
    obeyed: set[str] = field(default_factory=set)

    def __call__(self, messages: Sequence[BaseMessage], _: Sequence[Mapping[str, Any]]) -> AIMessage:
        calls = [*self._dictated(messages), *self._next()]
        self.round += 1
        made = [
            ToolCall(
                name=str(call["name"]),
                args=dict(call["args"]),
                id=f"hostile_{self.round}_{index}",
                type="tool_call",
            )
            for index, call in enumerate(calls)
        ]
        return AIMessage(content="" if made else "done", tool_calls=made)

    def _next(self) -> Sequence[Mapping[str, Any]]:
        if self.round < len(self.given):
            return self.given[self.round]
        if self.seed is None or self.round >= self.rounds:
            return ()
        dice = random.Random(f"{self.seed}/{self.round}")  # noqa: S311 - repeatable on purpose, guards nothing
        return [_random_call(dice) for _ in range(dice.randint(1, _MOST))]

    def _dictated(self, messages: Sequence[BaseMessage]) -> list[Mapping[str, Any]]:
        """Calls that stand as JSON in the prompt's texts, each obeyed once: an injection that works."""
        calls = []
        for text in _texts(messages):
            for call in _embedded(text):
                key = json.dumps(call, sort_keys=True)
                if key not in self.obeyed:
                    self.obeyed.add(key)
                    calls.append(call)
        return calls


def hostile(
    calls: Sequence[Sequence[Mapping[str, Any]]] = (), *, seed: int | None = None, rounds: int = 3
) -> ScriptedModel:
    """A hostile model: `calls` round by round ({"name", "args"} each), then random ones from `seed`, if one is given.

    In every round it also obeys any JSON tool call, {"name": ..., "args": {...}}, in the newest customer text.
    """
    return ScriptedModel(model="hostile", script=_Mind(list(calls), seed, rounds))


def _random_call(dice: random.Random) -> Mapping[str, Any]:
    if dice.random() < 0.2:
        return {"name": dice.choice(_NAMES), "args": {dice.choice(_WORDS): _noise(dice, 1) for _ in range(2)}}
    tool = dice.choice(TOOLS)
    schema = tool.args.model_json_schema()
    args = _from_schema(dice, schema, schema.get("$defs", {}))
    return {"name": tool.name, "args": args if isinstance(args, dict) else {"record": args}}


def _from_schema(dice: random.Random, schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Any:
    """A value that mostly fits: a hostile caller knows the schema."""
    if dice.random() < 0.04:
        return _noise(dice, 1)
    if "$ref" in schema:
        return _from_schema(dice, defs[schema["$ref"].rsplit("/", 1)[-1]], defs)
    either = schema.get("oneOf") or schema.get("anyOf")
    if either:
        return _from_schema(dice, dice.choice(either), defs)
    if schema.get("type") == "object":
        return {name: _from_schema(dice, part, defs) for name, part in schema.get("properties", {}).items()}
    if schema.get("type") == "array":
        return [_from_schema(dice, schema["items"], defs) for _ in range(dice.randint(0, 3))]
    return dice.choice(_leaves(schema))


def _leaves(schema: Mapping[str, Any]) -> Sequence[Any]:
    """Values to choose from where the schema has no parts."""
    if "const" in schema:
        return (schema["const"],)
    by_type = {"integer": range(-1, 101), "null": (None,)}
    fallback = ("2026-11-20",) if schema.get("format") == "date" else _WORDS
    return cast(Sequence[Any], schema.get("enum") or by_type.get(schema.get("type", ""), fallback))


def _noise(dice: random.Random, depth: int) -> Any:
    if depth and dice.random() < 0.5:
        return {dice.choice(_WORDS): _noise(dice, depth - 1) for _ in range(dice.randint(0, 3))}
    return dice.choice((*_WORDS, None, True, -1, 10**12, [], {}))


def _texts(messages: Sequence[BaseMessage]) -> list[str]:
    """The newest customer text of each document; where a message is no document, its text."""
    texts = []
    for message in messages:
        if not isinstance(message, HumanMessage):
            continue
        try:
            said = json.loads(message.text)["conversation"]
            texts += [part["text"] for part in said if part["direction"] == "in"][-1:]
        except (ValueError, KeyError, TypeError, IndexError):
            texts.append(message.text)
    return [text for text in texts if isinstance(text, str)]


def _embedded(text: str) -> list[Mapping[str, Any]]:
    """Every {"name": ..., "args": {...}} in `text`."""
    calls: list[Mapping[str, Any]] = []
    for start in (index for index, char in enumerate(text) if char == "{"):
        try:
            found, _ = json.JSONDecoder().raw_decode(text[start:])
        except (ValueError, RecursionError):
            continue
        if (
            isinstance(found, dict)
            and isinstance(found.get("name"), str)
            and isinstance(found.get("args"), dict)
        ):
            calls.append({"name": found["name"], "args": found["args"]})
    return calls
