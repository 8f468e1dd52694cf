"""The audit trail: proven, and taken along."""

from typing import Annotated, Any

import typer

from server import settings as configuration
from server.cli.output import Json, answer, console, run

audit = typer.Typer(no_args_is_help=True, help="The activity log: append-only, hash-chained per customer.")


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.add_typer(audit, name="audit")


@audit.command()
def verify(
    customer: Annotated[str | None, typer.Option(help="One customer's chain; default: all.")] = None,
    as_json: Json = False,
) -> None:
    """Recompute every chain and name the first broken link of each; exit code 1 when one is broken."""

    async def work() -> dict[str, Any]:
        from server.db import open_ready  # noqa: PLC0415 - heavy: only when it runs
        from tools.activity.chain import verify as verify_chains  # noqa: PLC0415 - as above

        async with open_ready(configuration.load()) as pool, pool.connection() as conn, conn.transaction():
            found = await verify_chains(conn, customer_id=customer)
        return {
            "verified": not found.broken,
            "chains": found.chains,
            "entries": found.entries,
            "broken": [{"customer": b.customer_id, "entry": b.seq, "why": b.why} for b in found.broken],
        }

    def show(result: dict[str, Any]) -> None:
        console.print(f"{result['entries']} entries in {result['chains']} chains.")
        for link in result["broken"]:
            console.print(
                f"broken: customer {link['customer']}, entry {link['entry']}: {link['why']}",
                style="red",
                markup=False,
            )
        if result["verified"]:
            console.print("Every link holds.", style="green")

    result = run(work(), as_json=as_json)
    answer(result, show, as_json=as_json)
    if not result["verified"]:
        raise typer.Exit(1)


@audit.command()
def export(
    customer: Annotated[str | None, typer.Option(help="One customer's entries; default: all.")] = None,
    as_json: Json = False,
) -> None:
    """The activity log in chain order."""

    async def work() -> dict[str, Any]:
        from server.db import open_ready  # noqa: PLC0415 - heavy: only when it runs
        from tools.activity.chain import read  # noqa: PLC0415 - as above

        async with open_ready(configuration.load()) as pool, pool.connection() as conn:
            return {"entries": await read(conn, customer_id=customer)}

    def show(result: dict[str, Any]) -> None:
        for e in result["entries"]:
            console.print(
                f"{e['customer_id']} {e['seq']:>4} {e['at']:%Y-%m-%d %H:%M:%S} {e['source']:<9} {e['actor']}: {e['action']} {e['subject']}",
                markup=False,
            )

    answer(run(work(), as_json=as_json), show, as_json=as_json)
