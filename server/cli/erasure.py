"""Erasing a customer: for good, and only after a yes."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from server import settings as configuration
from server.cli.ledger import customers
from server.cli.output import Json, answer, console, run


def register(_app: typer.Typer) -> None:
    """Add this file's commands, to the group `customers`."""
    customers.command()(erase)


def erase(
    customer_id: Annotated[str, typer.Argument(help="The customer's id.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Erase a customer's texts, names and addresses for good. Amounts, decisions and opt-outs stay, and the audit verifies."""
    if not yes:
        typer.confirm(f"Erase {customer_id}? Nothing brings it back.", abort=True, err=True)

    async def work() -> dict[str, Any]:
        from server.erasure import erase_customer  # noqa: PLC0415 - heavy: only when it runs
        from server.runtime import open_engine  # noqa: PLC0415 - as above

        async with open_engine(configuration.load()) as engine:
            return asdict(await erase_customer(engine, customer_id, by="command line"))

    def show(result: dict[str, Any]) -> None:
        console.print(f"Customer {customer_id} is erased.", markup=False)
        console.print(
            f"{result['approvals_closed']} approvals closed, {result['sends_withdrawn']} sends withdrawn, "
            f"{result['rows']['messages']} messages and {result['rows']['contacts']} contact points emptied."
        )

    answer(run(work(), as_json=as_json), show, as_json=as_json)
