"""Commands for what is arranged with a customer: promises, plans, disputes, holds, and requests to the ledger."""

from typing import Annotated, Any, Literal

import typer
from rich.table import Table

from server import settings as configuration
from server.cli.output import Json, answer, cells, console, run
from tools.arrangements.machines import Kind
from tools.money import Money

arrangements = typer.Typer(no_args_is_help=True, help="Promises, plans, disputes, holds and write-offs.")
As = Annotated[str, typer.Option("--as", help="Who does it: the name of a user.")]
Reason = Annotated[str, typer.Option(help="Why.")]
To = Literal[
    "cancelled", "rejected", "under_review", "resolved_for_customer", "resolved_for_us", "withdrawn", "lifted", "approved", "entered",
]  # fmt: skip


def how_to_approve(request_id: int) -> str:
    """The command with which a manager approves a request to the ledger."""
    return f"dunwell arrangements move ledger_request {request_id} approved --as NAME --reason WHY"


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.add_typer(arrangements, name="arrangements")


@arrangements.command("list")
def list_(customer: Annotated[str, typer.Argument(help="The customer's id.")], as_json: Json = False) -> None:
    """Everything that was arranged with a customer, newest first, and what is owed that nobody disputes."""

    async def work() -> dict[str, Any]:
        from server.db import open_ready  # noqa: PLC0415 - as above
        from server.reading import arranged  # noqa: PLC0415 - heavy: only when it runs

        settings = configuration.load()
        async with open_ready(settings) as pool:
            return await arranged(pool, settings, customer)

    def show(result: dict[str, Any]) -> None:
        table = Table()
        for column in ("kind", "id", "state", "amount", "invoices", "about"):
            table.add_column(column, overflow="fold")
        for row in result["arrangements"]:
            amount = Money(row["minor"], row["currency"]).format() if row["minor"] else "-"
            invoices = ", ".join(row["invoice_ids"]) if row["invoice_ids"] else "all"
            table.add_row(*cells(row["kind"], row["id"], row["state"], amount, invoices, row["about"]))
        console.print(table)
        console.print(
            f"Owed {Money(result['owed_minor'], result['currency']).format()}, of which "
            f"{Money(result['undisputed_minor'], result['currency']).format()} is undisputed.",
            markup=False,
        )

    answer(run(work(), as_json=as_json), show, as_json=as_json)


@arrangements.command("move")
def move_(
    kind: Annotated[Kind, typer.Argument(help="What it is.")],
    identity: Annotated[str, typer.Argument(metavar="ID", help="Its id, as listed.")],
    state: Annotated[To, typer.Argument(help="What it becomes.")],
    user: As,
    reason: Reason,
    as_json: Json = False,
) -> None:
    """Move one on: lift a hold, close a dispute, end a plan, call a promise off, approve or enter a write-off."""

    async def work() -> dict[str, Any]:
        from agent.cycle.arrangements import move  # noqa: PLC0415 - heavy: only when it runs
        from server.runtime import open_engine  # noqa: PLC0415 - as above
        from server.users import user_named  # noqa: PLC0415 - as above

        async with open_engine(configuration.load()) as engine:
            async with engine.deps.pool.connection() as conn:
                who = await user_named(conn, user)
            moved = await move(engine, kind, identity, state, who, reason)
        return {
            "customer": moved.customer_id, "kind": kind, "id": identity, "state": moved.state, "by": user,
            "outcome": moved.outcome,
        }  # fmt: skip

    def show(result: dict[str, Any]) -> None:
        told = f"{kind} {identity} of {result['customer']} is {result['state']}. {result['outcome']}"
        console.print(told.rstrip(), markup=False)

    answer(run(work(), as_json=as_json), show, as_json=as_json)


@arrangements.command("write-off")
def write_off(
    customer: Annotated[str, typer.Argument(help="The customer's id.")],
    invoice: Annotated[list[str], typer.Option(help="An invoice's id; give it again for more.")],
    user: As,
    reason: Reason,
    as_json: Json = False,
) -> None:
    """Propose to write invoices off. Another person, a manager, approves it; a person enters it in the ledger."""

    async def work() -> dict[str, Any]:
        from agent.cycle.arrangements import propose_write_off  # noqa: PLC0415 - heavy: only when it runs
        from server.runtime import open_engine  # noqa: PLC0415 - as above
        from server.users import user_named  # noqa: PLC0415 - as above

        async with open_engine(configuration.load()) as engine:
            async with engine.deps.pool.connection() as conn:
                who = await user_named(conn, user)
            request_id = await propose_write_off(engine, customer, invoice, who, reason)
        return {"customer": customer, "id": request_id, "state": "proposed", "by": user}

    def show(result: dict[str, Any]) -> None:
        console.print(
            f"Write-off {result['id']} waits for a manager: {how_to_approve(result['id'])}",
            markup=False,
            soft_wrap=True,
        )

    answer(run(work(), as_json=as_json), show, as_json=as_json)
