"""How a command answers: one JSON object on stdout with --json, text for people without; logs and errors on stderr."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console

from tools.errors import CollectionsError

T = TypeVar("T")
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout, for programs.")]
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def answer(result: dict[str, Any], human: Callable[[dict[str, Any]], None], *, as_json: bool) -> None:
    """Print `result`: as one JSON object, or as `human` shows it."""
    if as_json:
        print(json.dumps(result, default=_plain, ensure_ascii=False))
    else:
        human(result)


def quoted(text: str) -> str:
    """Somebody else's words for a terminal: what would steer it, or hide something, is shown as an escape."""
    return "".join(c if c == "\n" or c.isprintable() else c.encode("unicode_escape").decode() for c in text)


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
        errors.print(str(wrong), style="red", soft_wrap=True, markup=False)
        if as_json:
            from server.problems import problem_type  # noqa: PLC0415 - heavy: only a failing command pays for it

            error = {"type": problem_type(type(wrong)), "detail": str(wrong)}
            print(json.dumps({"error": error}, ensure_ascii=False))
        raise typer.Exit(1) from wrong
