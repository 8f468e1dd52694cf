"""`dunwell doctor`: what is set up wrongly, and what to do about it."""

from dataclasses import asdict
from typing import Any

import typer
from rich.table import Table
from rich.text import Text

from server import settings as configuration
from server.cli.output import Json, answer, console, run
from tools.errors import Misconfigured

_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(doctor)


def doctor(as_json: Json = False) -> None:
    """Look at settings, database, policy, model, public address, clock and providers, and say what to do.

    The exit code is 1 when something fails. Nothing is changed, and nobody is written to.
    """

    async def work() -> dict[str, Any]:
        try:
            settings = configuration.load()
        except Misconfigured as wrong:
            return _report([{"name": "settings", "state": "fail", "says": str(wrong)}])
        from server.doctor import examine  # noqa: PLC0415 - heavy: only when it runs

        return _report([asdict(finding) for finding in await examine(settings)])

    report = run(work(), as_json=as_json)
    answer(report, _show, as_json=as_json)
    if not report["ok"]:
        raise typer.Exit(1)


def _report(checks: list[dict[str, Any]]) -> dict[str, Any]:
    return {"ok": all(check["state"] != "fail" for check in checks), "checks": checks}


def _show(report: dict[str, Any]) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in report["checks"]:
        table.add_row(
            Text(check["state"], style=_STYLES[check["state"]]), Text(check["name"]), Text(check["says"])
        )
    console.print(table)
