"""Commands on the ledger: import, cycle, customers."""

from datetime import UTC, datetime, time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from server import settings as configuration
from server.cli.output import Json, answer, cells, console, errors, run
from tools.errors import Misconfigured
from tools.money import Money

customers = typer.Typer(no_args_is_help=True, help="Look at customers.")


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command("import")(import_)
    app.command()(cycle)
    app.add_typer(customers, name="customers")


def import_(
    folder: Annotated[Path, typer.Argument(help="The folder with the ledger's files and mapping.toml.")],
    mapping: Annotated[
        Path | None, typer.Option(help="The mapping file, where it is not in the folder.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Import a ledger (CSV or XLSX). Good rows go in; every rejected row is named with its line and the reason."""

    async def work() -> dict[str, Any]:
        from server.imports import import_and_handle  # noqa: PLC0415 - heavy: only the commands that think pay for it
        from server.runtime import open_engine  # noqa: PLC0415 - as above

        async with open_engine(configuration.load()) as engine:
            return await import_and_handle(engine, folder, imported_by="command line", mapping=mapping)

    report = run(work(), as_json=as_json)
    answer(report, _show_import, as_json=as_json)
    if not report["ok"]:
        raise typer.Exit(1)


def _show_import(report: dict[str, Any]) -> None:
    table = Table(title="Imported", title_justify="left")
    for column in ("", "new", "updated", "unchanged"):
        table.add_column(column, justify="left" if not column else "right")
    for name, counts in report["counts"].items():
        table.add_row(*cells(name, counts["new"], counts["updated"], counts["unchanged"]))
    console.print(table)
    for row in report["rejected"]:
        console.print(
            f"rejected  {row['file']} line {row['line']}: {row['reason']}", style="red", markup=False
        )
    for found in report["findings"]:
        console.print(f"finding   {found['kind']}: {found['sentence']}", style="yellow", markup=False)
    if report["episodes"]:
        console.print(f"{report['episodes']} episodes ran on what arrived.")


def cycle(
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Run the cycle of this day (mid-morning, company time)."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run one day's work: sweep, handle what waits, plan the portfolio, write or ask, send what may leave."""

    async def work() -> dict[str, Any]:
        from server.cycle import run_cycle  # noqa: PLC0415 - heavy: only the commands that think pay for it
        from server.providers import open_channels  # noqa: PLC0415 - as above
        from server.runtime import open_engine  # noqa: PLC0415 - as above

        settings = configuration.load()
        if as_of is not None:
            if settings.env == "production" or settings.carriers:
                raise Misconfigured(
                    "--as-of stops the clock on another day and is refused in production and where messages really leave."
                )
            morning = datetime.combine(as_of.date(), time(10), settings.company_time_zone)
            settings = settings.model_copy(update={"clock": morning.astimezone(UTC)})
        async with open_engine(settings) as engine, open_channels(settings) as channels:
            columns = (TextColumn("[bold]cycle"), BarColumn(), MofNCompleteColumn())
            with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
                task = bar.add_task("cycle", total=None)
                report = await run_cycle(
                    engine,
                    channels,
                    progress=lambda done, total: bar.update(task, completed=done, total=total),
                )
        return report.as_json()

    report = run(work(), as_json=as_json)
    answer(report, _show_cycle, as_json=as_json)
    if report["failed"]:
        raise typer.Exit(1)


def _show_cycle(report: dict[str, Any]) -> None:
    known = f"{report['invoices_known']} invoices of {report['customers_known']} customers known"
    console.print(f"[bold]{report['date']}[/bold]: {known}; {report['overdue']} customers overdue.")
    if not report["invoices_known"]:
        console.print("The ledger is empty: bring one in with `dunwell import FOLDER`.", markup=False)
    elif report["nobody_reachable"]:
        console.print(
            "Nobody can be reached: no customer has an e-mail address or a mobile number.", style="bold red"
        )
    line = " · ".join(
        f"{name} {report[name]}" for name in ("held", "proposed", "asked", "sent", "deferred", "withdrawn")
    )
    console.print(line)
    table = Table(title="Every overdue account, and why", title_justify="left")
    for column in ("customer", "overdue", "result", "why"):
        table.add_column(column, justify="right" if column == "overdue" else "left", overflow="fold")
    for verdict in report["verdicts"]:
        amount = f"{verdict['overdue_minor'] / 100:,.2f}"
        table.add_row(*cells(verdict["customer"], amount, verdict["result"], verdict["why"]))
    console.print(table)
    for failure in report["failed"]:
        console.print(f"failed    {failure['customer']}: {failure['why']}", style="red", markup=False)


@customers.command("list")
def list_customers(
    text: Annotated[str | None, typer.Argument(help="Part of an id, a name or an address.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    as_json: Json = False,
) -> None:
    """Customers, most overdue first."""

    async def work() -> dict[str, Any]:
        from server.db import open_ready  # noqa: PLC0415 - as above
        from server.reading import customers_matching  # noqa: PLC0415 - heavy: only when it runs

        settings = configuration.load()
        async with open_ready(settings) as pool:
            return {"customers": await customers_matching(pool, settings, text, limit)}

    def show(result: dict[str, Any]) -> None:
        table = Table()
        for column in ("id", "name", "segment", "owner", "tier", "overdue"):
            table.add_column(column)
        for c in result["customers"]:
            owed = Money(c["overdue_minor"], c["currency"]).format()
            table.add_row(*cells(c["id"], c["name"], c["segment"], c["owner"] or "-", c["risk_tier"], owed))
        console.print(table)

    answer(run(work(), as_json=as_json), show, as_json=as_json)


@customers.command("show")
def show_customer(
    customer_id: Annotated[str, typer.Argument(help="The customer's id.")], as_json: Json = False
) -> None:
    """One customer: what is owed, promised, held and waiting, and the conversation."""

    async def work() -> dict[str, Any]:
        from server.db import open_ready  # noqa: PLC0415 - as above
        from server.reading import customer_state, timeline  # noqa: PLC0415 - heavy: only when it runs

        settings = configuration.load()
        async with open_ready(settings) as pool:
            state = await customer_state(pool, settings, customer_id)
            return {**state, "timeline": await timeline(pool, customer_id)}

    answer(run(work(), as_json=as_json), show_state, as_json=as_json)


def show_state(result: dict[str, Any]) -> None:
    """A customer's state and conversation, for people."""
    customer = result["customer"]
    console.print(
        f"{customer['name']} ({customer['id']}, {customer['segment']}, owner {customer['owner'] or '-'})",
        markup=False,
        style="bold",
    )
    for invoice in result["invoices"]:
        late = f", {invoice['days_past_due']} days past due" if invoice["days_past_due"] > 0 else ""
        console.print(
            f"  invoice {invoice['number']}: {invoice['balance']} due {invoice['due']}{late}", markup=False
        )
    for kind in ("promises", "plans", "holds", "disputes", "suppressions", "tasks", "approvals"):
        for item in result[kind]:
            console.print(f"  {kind[:-1]}: {item['says']}", markup=False)
    show_thread(result["timeline"])


def show_thread(timeline: list[dict[str, Any]]) -> None:
    """A conversation, for people: who said what, and what became of it.

    Words stand in a column of their own: no line of a message can pass for another message.
    """
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for entry in timeline:
        who = "customer" if entry["direction"] == "in" else f"we ({entry['state']})"
        subject = f"[{entry['subject']}] " if entry["subject"] else ""
        table.add_row(
            Text(f"  {entry['at']:%d %b %H:%M} {entry['channel']:<5} {who}:"),
            Text(subject + entry["body"]),
        )
    console.print(table)
