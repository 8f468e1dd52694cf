"""How a command answers: one JSON object on stdout with --json, text for people without; logs and errors on stderr."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text
from typing_extensions import override

from tools.errors import CollectionsError

T = TypeVar("T")
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout, for programs.")]


class Terminal(Console):
    """A console that shows words and never obeys them: what would steer it, or hide something, is shown as an escape."""

    @override
    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The renderable's segments; only those that rich itself makes may control the terminal."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(_shown(segment.text), segment.style)


def _shown(text: str) -> str:
    return "".join(
        c if c in "\n\u00a0" or c.isprintable() else c.encode("unicode_escape").decode() for c in text
    )


console = Terminal(highlight=False)
errors = Terminal(stderr=True, highlight=False)


def cells(*values: object) -> list[Text]:
    """A table's row as it stands: no word of a ledger or a customer is markup, and escapes have room in their columns."""
    return [Text(_shown(str(value))) for value in values]


def answer(result: dict[str, Any], human: Callable[[dict[str, Any]], None], *, as_json: bool) -> None:
    """Print `result`: as one JSON object, or as `human` shows it."""
    if as_json:
        print(json.dumps(result, default=_plain, ensure_ascii=False))
    else:
        human(result)


def _plain(value: object) -> object:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def run(work: Coroutine[Any, Any, T], *, as_json: bool = False) -> T:
    """Run a command's work; what we raise on purpose becomes one sentence on stderr and exit code 1.

    With `as_json` stdout gets `{"error": {"type": ..., "detail": ...}}` as well, with the API's `type`.
    """
    try:
        return asyncio.run(work)
    except CollectionsError as wrong:
        refuse(wrong, as_json=as_json)


def refuse(wrong: CollectionsError, *, as_json: bool = False) -> NoReturn:
    """End the command with what we raised on purpose, as `run` does."""
    errors.print(str(wrong), style="red", soft_wrap=True, markup=False)
    if as_json:
        from server.problems import problem_type  # noqa: PLC0415 - heavy: only a failing command pays for it

        error = {"type": problem_type(type(wrong)), "detail": str(wrong)}
        print(json.dumps({"error": error}, ensure_ascii=False))
    raise typer.Exit(1) from wrong
