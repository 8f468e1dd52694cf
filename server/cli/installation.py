"""Commands on the installation: serve, migrate, settings, and the demo."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from server import settings as configuration
from server.cli.output import Json, answer, cells, console, run

database = typer.Typer(no_args_is_help=True, help="The embedded database.")


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(serve)
    app.command()(migrate)
    app.command()(settings)
    app.command()(demo)
    app.add_typer(database, name="database")


def serve() -> None:
    """Serve the HTTP API on DUNWELL_HOST and DUNWELL_PORT (default: this machine only)."""

    async def work() -> None:
        from server.serving import serve_forever  # noqa: PLC0415 - heavy: only when it runs

        await serve_forever(configuration.load())

    run(work())


def migrate(as_json: Json = False) -> None:
    """Bring the database's schema up to date; safe when several start at once."""

    async def work() -> dict[str, Any]:
        from server.db import open_ready  # noqa: PLC0415 - heavy: only when it runs

        async with open_ready(configuration.load()):
            return {"current": True}

    answer(run(work(), as_json=as_json), lambda _: console.print("The schema is current."), as_json=as_json)


def settings(as_json: Json = False) -> None:
    """Every setting and its value; secrets show as asterisks."""

    async def work() -> dict[str, Any]:
        return dict(configuration.masked(configuration.load()))

    def show(result: dict[str, Any]) -> None:
        table = Table()
        table.add_column("variable")
        table.add_column("value", overflow="fold")
        for name, value in result.items():
            table.add_row(*cells(name, "" if value is None else value))
        console.print(table)

    answer(run(work(), as_json=as_json), show, as_json=as_json)


def demo(
    keep: Annotated[bool, typer.Option(help="Keep the demo's database and say where it is.")] = False,
    ledger: Annotated[
        Path | None, typer.Option(help="A copy of the sample ledger that you changed; default: as shipped.")
    ] = None,
) -> None:
    """Watch the whole job on the sample ledger; the last line is its figures as JSON.

    It plays in a database of its own that is gone afterwards. Of your settings it uses which model thinks.
    """
    from server.demo import run_demo  # noqa: PLC0415 - heavy: only when it runs

    raise typer.Exit(run_demo(keep=keep, ledger=ledger))


@database.command("stop")
def stop_(as_json: Json = False) -> None:
    """Stop the embedded database of DUNWELL_DATA_DIR."""

    async def work() -> dict[str, Any]:
        from server.embedded import stop  # noqa: PLC0415 - heavy: only when it runs

        stop(configuration.load().data_dir)
        return {"stopped": True}

    answer(run(work(), as_json=as_json), lambda _: console.print("Stopped."), as_json=as_json)
