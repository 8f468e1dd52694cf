"""The outbox, for people: what was written, to whom, and what became of it."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer
from rich.panel import Panel
from rich.table import Table

from server import settings as configuration
from server.cli.output import Json, answer, cells, console, run

outbox = typer.Typer(no_args_is_help=True, help="Messages on their way, and those that left.")


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.add_typer(outbox, name="outbox")


async def _read(**wanted: Any) -> list[dict[str, Any]]:
    from server.db import open_ready  # noqa: PLC0415 - heavy: only when it runs
    from tools.outbox.queue import read_outbox  # noqa: PLC0415 - as above

    async with open_ready(configuration.load()) as pool, pool.connection() as conn:
        return await read_outbox(conn, **wanted)


@outbox.command("list")
def list_(
    state: Annotated[
        str | None, typer.Option(help="queued, sent, delivered, failed, withdrawn, unknown, ...")
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
                *cells(
                    str(row["id"]),
                    row["customer_id"],
                    row["channel"],
                    row["purpose"],
                    row["state"],
                    row["reason"] or "",
                )
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


@outbox.command("retry")
def retry_(
    outbox_id: Annotated[int, typer.Argument(min=1, max=2**63 - 1, help="The message's number.")],
    user: Annotated[str, typer.Option("--as", help="Who says so: the name of a user.")],
    never_arrived: Annotated[
        bool,
        typer.Option("--never-arrived", help="Of unknown fate: the provider's own records do not have it."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Queue a message that failed once more; it is judged again before it leaves."""

    async def work() -> dict[str, Any]:
        from server.sender import retry  # noqa: PLC0415 - heavy: only when it runs

        return await _resolve(outbox_id, user, lambda *given: retry(*given, never_arrived=never_arrived))

    answer(run(work(), as_json=as_json), _show_resolved, as_json=as_json)


@outbox.command("confirm")
def confirm_(
    outbox_id: Annotated[int, typer.Argument(min=1, max=2**63 - 1, help="The message's number.")],
    user: Annotated[str, typer.Option("--as", help="Who says so: the name of a user.")],
    as_json: Json = False,
) -> None:
    """Say of a message of unknown fate that it did leave: somebody looked at the provider."""

    async def work() -> dict[str, Any]:
        from server.sender import confirm  # noqa: PLC0415 - heavy: only when it runs

        return await _resolve(outbox_id, user, confirm)

    answer(run(work(), as_json=as_json), _show_resolved, as_json=as_json)


async def _resolve(outbox_id: int, name: str, resolve: Callable[..., Awaitable[None]]) -> dict[str, Any]:
    from server.runtime import open_engine  # noqa: PLC0415 - heavy: only when it runs
    from server.users import user_named  # noqa: PLC0415 - as above
    from tools.outbox.queue import read_outbox  # noqa: PLC0415 - as above

    async with open_engine(configuration.load()) as engine:
        async with engine.deps.pool.connection() as conn:
            user = await user_named(conn, name)
        await resolve(engine, outbox_id, user)
        async with engine.deps.pool.connection() as conn:
            return (await read_outbox(conn, outbox_id=outbox_id, limit=1))[0]


def _show_resolved(row: dict[str, Any]) -> None:
    console.print(f"Message {row['id']} is {row['state']}.")
