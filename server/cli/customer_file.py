"""A customer's file, written out."""

from pathlib import Path
from typing import Annotated, Any

import typer

from server import settings as configuration
from server.cli.ledger import customers
from server.cli.output import Json, answer, console, run


def register(_app: typer.Typer) -> None:
    """Add this file's commands, to the group `customers`."""
    customers.command()(export)


def export(
    customer_id: Annotated[str, typer.Argument(help="The customer's id.")],
    out: Annotated[Path, typer.Option(help="The file to write; it must not be there yet.")],
    as_json: Json = False,
) -> None:
    """Write all that is held on a customer into one JSON file: ledger, contacts, messages, decisions, arrangements, the log.

    It holds personal data: only the user who writes it may read it. The log says that it was written.
    """

    async def work() -> dict[str, Any]:
        from server.customer_file import file_for, read_file, write_file  # noqa: PLC0415 - heavy: only when it runs
        from server.db import open_ready  # noqa: PLC0415 - as above

        settings = configuration.load()
        async with open_ready(settings) as pool:
            with file_for(out) as handle:
                file = await read_file(pool, settings.make_clock(), customer_id, by="command line")
                write_file(file, handle)
        return {"customer": customer_id, "file": str(out), "rows": file.rows}

    def show(result: dict[str, Any]) -> None:
        console.print(f"All that is held on {customer_id} is in {out}.", markup=False)
        console.print(", ".join(f"{name} {count}" for name, count in result["rows"].items()), markup=False)

    answer(run(work(), as_json=as_json), show, as_json=as_json)
