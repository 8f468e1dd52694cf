"""The outbox, for people: what was written, to whom, and what became of it."""

from typing import Annotated, Any

import typer
from rich.panel import Panel
from rich.table import Table

from server import settings as configuration
from server.cli.output import Json, answer, console, run

outbox = typer.Typer(no_args_is_help=True, help="Messages on their way, and those that left.")


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.add_typer(outbox, name="outbox")


async def _read(**wanted: Any) -> list[dict[str, Any]]:
    from server.runtime import open_pool  # noqa: PLC0415 - heavy: only when it runs
    from tools.outbox.queue import read_outbox  # noqa: PLC0415 - as above

    async with open_pool(configuration.load()) as pool, pool.connection() as conn:
        return await read_outbox(conn, **wanted)


@outbox.command("list")
def list_(
    state: Annotated[
        str | None, typer.Option(help="queued, sent, delivered, withdrawn, unknown, ...")
    ] = None,
    customer: Annotated[str | None, typer.Option(help="Of this customer only.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    as_json: Json = False,
) -> None:
    """Messages, newest first."""

    def show_rows(result: dict[str, Any]) -> None:
        table = Table()
        for column in ("id", "customer", "channel", "purpose", "state", "why"):
            table.add_column(column)
        for row in result["outbox"]:
            table.add_row(
                str(row["id"]),
                row["customer_id"],
                row["channel"],
                row["purpose"],
                row["state"],
                row["reason"] or "",
            )
        console.print(table)

    rows = run(_read(state=state, customer_id=customer, limit=limit), as_json=as_json)
    answer({"outbox": rows}, show_rows, as_json=as_json)


@outbox.command("show")
def show(
    outbox_id: Annotated[int, typer.Argument(min=1, max=2**63 - 1, help="The message's number.")],
    as_json: Json = False,
) -> None:
    """One message as the customer reads it."""

    async def work() -> dict[str, Any]:
        from tools.errors import NotFound  # noqa: PLC0415 - beside its only use

        found = await _read(outbox_id=outbox_id, limit=1)
        if not found:
            raise NotFound("outbox row", str(outbox_id))
        return found[0]

    def show_row(row: dict[str, Any]) -> None:
        title = f"{row['channel']} to {row['recipient']}" + (f": {row['subject']}" if row["subject"] else "")
        console.print(
            Panel(row["body"] or "(erased)", title=title, subtitle=row["state"], title_align="left"),
            markup=False,
        )

    answer(run(work(), as_json=as_json), show_row, as_json=as_json)
