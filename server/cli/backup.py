"""Backup and restore of the embedded database."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from server import settings as configuration
from server.cli.output import Json, answer, console, errors, run

_File = Annotated[Path, typer.Argument(help="The backup, one file.")]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(backup)
    app.command()(restore)
    app.command()(restored)


def backup(file: _File, as_json: Json = False) -> None:
    """Write the embedded database into a file, consistent while everything goes on. It holds personal data: keep it safe."""

    async def work() -> dict[str, Any]:
        from server.backup import back_up  # noqa: PLC0415 - heavy: only when it runs

        with errors.status("Backing up ..."):
            await back_up(configuration.load(), file)
        return {"file": str(file), "bytes": file.stat().st_size}

    def show(result: dict[str, Any]) -> None:
        console.print(f"{result['file']}: {result['bytes']:,} bytes.", markup=False)

    answer(run(work(), as_json=as_json), show, as_json=as_json)


def restore(
    file: _File,
    replace: Annotated[bool, typer.Option("--replace", help="Drop what the database holds now.")] = False,
    as_json: Json = False,
) -> None:
    """Restore the embedded database from a backup, while no server and no worker runs.

    Messages that were queued then may have left since: the sender asks the provider before any of them leaves.
    """

    async def work() -> dict[str, Any]:
        from server.backup import restore as restore_backup  # noqa: PLC0415 - heavy: only when it runs

        with errors.status("Restoring ..."):
            return asdict(await restore_backup(configuration.load(), file, replace=replace))

    answer(run(work(), as_json=as_json), _show, as_json=as_json)


def restored(as_json: Json = False) -> None:
    """Say that your server's own tools restored the database, before a server or a worker uses it.

    What `restore` does for the embedded one: the sender asks the provider before any message that was queued leaves.
    """

    async def work() -> dict[str, Any]:
        from server.backup import doubt  # noqa: PLC0415 - heavy: only when it runs

        return asdict(await doubt(configuration.load()))

    answer(run(work(), as_json=as_json), _show, as_json=as_json)


def _show(result: dict[str, Any]) -> None:
    console.print(f"{result['customers']} customers and {result['messages']} messages are back.")
    console.print(
        f"{result['unknown_sends']} messages that were queued may have left since: the sender asks the provider."
    )
    console.print("`dunwell audit verify` proves the log.", markup=False)
