"""The policy for those who answer for it: a file checked, a verdict explained, a change tried out on what happened."""

from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from server import settings as configuration
from server.cli.output import Json, answer, cells, console, run
from tools.errors import Invalid

policy = typer.Typer(
    no_args_is_help=True, help="What may happen: the policy file, its verdicts, its history."
)
File = Annotated[Path | None, typer.Argument(help="A policy file; default: the one in force.")]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.add_typer(policy, name="policy")


@policy.command()
def check(file: File = None, as_json: Json = False) -> None:
    """Validate a policy file and say what it changes against the packaged default; a looser rule is a warning."""

    async def work() -> dict[str, Any]:
        from agent.policy.compare import changes  # noqa: PLC0415 - heavy: only when it runs
        from agent.policy.document import load_policy  # noqa: PLC0415 - as above

        loaded = load_policy(file or configuration.load().policy)
        found = changes(load_policy().document, loaded.document)
        rows = loaded.document.jurisdictions
        return {
            "version": loaded.version,
            "profile": loaded.document.profile,
            "changes": [{"key": c.key, "was": c.was, "now": c.now, "way": c.way} for c in found],
            "looser": sum(c.way == "looser" for c in found),
            "jurisdictions": [
                {
                    "name": name,
                    "on": row.on,
                    "since": row.since,
                    "source": row.source,
                    "unverified": sorted(row.unverified),
                }
                for name, row in rows.items()
            ],
        }

    def show(result: dict[str, Any]) -> None:
        console.print(
            f"Policy {result['version']} ({result['profile']}) is valid.", style="green", markup=False
        )
        for change in result["changes"]:
            style = {"looser": "yellow", "stricter": "green"}.get(change["way"])
            told = f"  {change['way']:<8} {change['key']}: {change['was']} -> {change['now']}"
            console.print(told, style=style, markup=False)
        if result["looser"]:
            console.print(
                f"{result['looser']} changes allow more than the packaged default: have them reviewed.",
                style="yellow",
            )
        on = [row["name"] for row in result["jurisdictions"] if row["on"]]
        console.print(
            f"States and cities with rules of their own switched on: {', '.join(on) or 'none'}.", markup=False
        )
        for row in result["jurisdictions"]:
            if row["unverified"]:
                console.print(
                    f"  verify {row['name']}: {', '.join(row['unverified'])}", style="dim", markup=False
                )

    answer(run(work(), as_json=as_json), show, as_json=as_json)


@policy.command()
def explain(
    what: Annotated[str, typer.Argument(metavar="CUSTOMER|DECISION", help="A customer, or a decision's id.")],
    latest: Annotated[int, typer.Option(min=1, max=100, help="How many decisions of a customer.")] = 3,
    as_json: Json = False,
) -> None:
    """Why a verdict fell: every finding with its source and the facts that it looked at."""

    async def work() -> dict[str, Any]:
        from server.db import open_ready  # noqa: PLC0415 - as above
        from server.policy_history import explained  # noqa: PLC0415 - heavy: only when it runs

        async with open_ready(configuration.load()) as pool:
            return await explained(pool, what, latest)

    def show(result: dict[str, Any]) -> None:
        for decision in result["decisions"]:
            role = f" ({decision['role']})" if decision["role"] else ""
            console.print(
                f"Decision {decision['decision']} on {decision['customer_id']}, {decision['at']:%Y-%m-%d %H:%M}: "
                f"{decision['tool']} -> {decision['verdict']}{role}, policy {decision['policy_version']}",
                markup=False,
            )
            for finding in decision["findings"]:
                sign = "*" if finding["decides"] else " "
                console.print(
                    f" {sign}{finding['says']:<7} {finding['rule']}: {finding['reason']}", markup=False
                )
                console.print(f"           source: {finding['source']}", style="dim", markup=False)
                for fact, values in (finding["looked_at"] or {}).items():
                    told = ", ".join(map(str, values)) or "none"
                    console.print(f"           {fact}: {told}", style="dim", markup=False)

    answer(run(work(), as_json=as_json), show, as_json=as_json)


@policy.command()
def diff(
    file: Annotated[Path, typer.Argument(help="The changed policy file.")],
    since: Annotated[
        str | None, typer.Option(metavar="DAY", help="Only decisions from this day on (YYYY-MM-DD).")
    ] = None,
    as_json: Json = False,
) -> None:
    """What a changed policy would have decided on the decisions on record."""

    async def work() -> dict[str, Any]:
        from agent.policy.document import load_policy  # noqa: PLC0415 - heavy: only when it runs
        from server.db import open_ready  # noqa: PLC0415 - as above
        from server.policy_history import what_if  # noqa: PLC0415 - as above

        settings = configuration.load()
        try:
            day = date.fromisoformat(since) if since else None
        except ValueError as wrong:
            raise Invalid(f"{since!r} is no day: write YYYY-MM-DD.") from wrong
        begins = datetime.combine(day, time(), settings.company_time_zone) if day else None
        changed = load_policy(file)
        async with open_ready(settings) as pool:
            return await what_if(pool, changed, begins)

    def show(result: dict[str, Any]) -> None:
        console.print(
            f"{result['decisions']} decisions on record: {result['same']} the same, {result['changed']} otherwise, "
            f"{result['unknown']} that cannot be judged again."
        )
        for change in result["changes"]:
            console.print(f"  {change['decisions']:>7}  {change['was']} -> {change['now']}", markup=False)
        if result["examples"]:
            console.print(_table(result["examples"]))

    answer(run(work(), as_json=as_json), show, as_json=as_json)


@policy.command()
def replay(
    decision: Annotated[int | None, typer.Argument(help="A decision's id.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every decision on record.")] = False,
    as_json: Json = False,
) -> None:
    """Judge recorded facts again under the recorded policy; exit code 1 where a verdict comes out otherwise."""

    async def work() -> dict[str, Any]:
        from server.db import open_ready  # noqa: PLC0415 - as above
        from server.policy_history import replayed  # noqa: PLC0415 - heavy: only when it runs

        if (decision is None) is not everything:
            raise Invalid("Name a decision, or say --all.")
        async with open_ready(configuration.load()) as pool:
            return await replayed(pool, decision)

    def show(result: dict[str, Any]) -> None:
        console.print(
            f"{result['decisions']} decisions: {result['equal']} equal, {result['different']} different, "
            f"{result['unknown']} that cannot be judged again."
        )
        if result["differing"]:
            console.print(_table(result["differing"]))

    result = run(work(), as_json=as_json)
    answer(result, show, as_json=as_json)
    if result["different"]:
        raise typer.Exit(1)


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table()
    for column in ("decision", "customer", "what", "was", "now", "rules"):
        table.add_column(column, overflow="fold")
    for row in rows:
        rules = ", ".join(row["rules"])
        table.add_row(*cells(row["decision"], row["customer_id"], row["tool"], row["was"], row["now"], rules))
    return table
