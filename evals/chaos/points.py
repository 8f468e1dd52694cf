"""The failpoints that there are, read from the source: a new one is in the matrix without anybody adding it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

_WEBHOOKS = "fate."  # what providers say of our messages: the stand-in says nothing
_PACKAGES = ("agent", "server", "tools")


@dataclass(frozen=True, slots=True)
class Place:
    """One call of `failpoints.reach`: its name (None where it is no literal) and where it stands."""

    name: str | None
    where: str


def places() -> list[Place]:
    """Every place in the packages that a process may be ended at."""
    return sorted(_places(), key=lambda place: place.where)


def names(*, webhooks: bool = True) -> list[str]:
    """The names of the failpoints, in the order of the alphabet; without `webhooks`, those that only they reach are left out."""
    found = sorted({place.name for place in places() if place.name is not None})
    return [name for name in found if webhooks or not name.startswith(_WEBHOOKS)]


def _places() -> Iterator[Place]:
    for package in _PACKAGES:
        spec = find_spec(package)
        for folder in spec.submodule_search_locations or () if spec else ():
            for file in sorted(Path(folder).rglob("*.py")):
                text = file.read_text("utf-8")
                if "failpoints.reach(" in text:
                    yield from _calls(ast.parse(text), f"{package}/{file.relative_to(folder).as_posix()}")


def _calls(tree: ast.AST, file: str) -> Iterator[Place]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="failpoints"), attr="reach"), args=[given]):
                literal = given.value if isinstance(given, ast.Constant) else None
                yield Place(literal if isinstance(literal, str) else None, f"{file}:{node.lineno}")
