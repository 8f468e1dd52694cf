"""A customer's file written out, and what they allowed us."""

from pathlib import Path
from typing import Annotated, Any

import typer

from server import settings as configuration
from server.cli.ledger import customers
from server.cli.output import Json, answer, console, run


def register(_app: typer.Typer) -> None:
    """Add this file's commands, to the group `customers`."""
    customers.command()(export)
    customers.command()(consent)


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


def consent(
    customer_id: Annotated[str, typer.Argument(help="The customer's id.")], as_json: Json = False
) -> None:
    """Every change of what a customer allows us: opt-outs, opt-ins, bounces and complaints, with source and time."""

    async def work() -> dict[str, Any]:
        from server.db import open_ready  # noqa: PLC0415 - heavy: only when it runs
        from server.reading import consent_of  # noqa: PLC0415 - as above

        async with open_ready(configuration.load()) as pool:
            return await consent_of(pool, customer_id)

    def show(result: dict[str, Any]) -> None:
        if not result["consent"]:
            console.print("Nothing was said, beyond what the ledger says of each contact point.")
        for each in result["consent"]:
            where = each["contact_id"] or each["channel"] or "every channel"
            said = f", message {each['message_id']}" if each["message_id"] else ""
            said += f", {each['provider_ref']}" if each["provider_ref"] else ""
            console.print(
                f"{each['at']:%d %b %Y %H:%M}  {each['change'].replace('_', ' '):<11} {where}: by {each['source']}{said}",
                markup=False, soft_wrap=True,
            )  # fmt: skip

    answer(run(work(), as_json=as_json), show, as_json=as_json)
