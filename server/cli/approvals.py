"""Commands for collectors: what waits, what exactly, and the decision."""

import json
from typing import Annotated, Any, Literal

import typer
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from server import settings as configuration
from server.cli.arrangements import how_to_approve
from server.cli.ledger import show_thread
from server.cli.output import Json, answer, cells, console, run
from tools.errors import Invalid
from tools.money import Money

approvals = typer.Typer(no_args_is_help=True, help="What waits for a person.")


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.add_typer(approvals, name="approvals")


@approvals.command("list")
def list_(
    state: Annotated[str, typer.Option(help="pending, approved, rejected, ... or all.")] = "pending",
    assignee: Annotated[str | None, typer.Option(help="Only whose accounts.")] = None,
    reader: Annotated[
        str | None, typer.Option("--as", help="Who looks: their own accounts go first.")
    ] = None,
    as_json: Json = False,
) -> None:
    """What waits for a decision, your own accounts first, largest amount first."""

    async def work() -> dict[str, Any]:
        from agent.approvals.queries import list_approvals  # noqa: PLC0415 - heavy: only when it runs
        from server.db import open_ready  # noqa: PLC0415 - as above
        from server.reading import waiting_requests  # noqa: PLC0415 - as above

        async with open_ready(configuration.load()) as pool:
            async with pool.connection() as conn:
                wanted = None if state == "all" else state
                rows = await list_approvals(conn, state=wanted, assignee=assignee, reader=reader, limit=1000)
            asked = await waiting_requests(pool, assignee=assignee) if state in ("pending", "all") else []
            return {"approvals": rows, "ledger_requests": asked}

    def show(result: dict[str, Any]) -> None:
        from agent.policy.verdict import with_article  # noqa: PLC0415 - shown only for people

        table = Table()
        for column in ("id", "customer", "what", "amount", "needs", "owner", "why"):
            table.add_column(
                column, overflow="fold", no_wrap=column in ("id", "customer", "amount")
            )  # ids are copied
        for a in result["approvals"]:
            amount = Money(a["amount_minor"], a["currency"]).format()
            why = next((r["reason"] for r in a["reasons"] if r["says"] == "ask"), "")
            needs = a["role"] + (
                f" ({with_article(a['reminded_role'])} was told)" if a["reminded_role"] else ""
            )
            needs += f", after {a['first_by']} a second one" if a["first_by"] else ""
            shown = (a["id"], a["customer_id"], a["kind"], amount, needs, a["assignee"] or "-", why)
            table.add_row(*cells(*shown))
        console.print(table)
        for r in result["ledger_requests"]:
            amount = Money(r["amount_minor"], r["currency"]).format()
            told = f"{r['kind'].replace('_', ' ')} of {amount} for {r['customer_id']}, proposed by {r['proposed_by']}"
            second = f" (after {r['first_by']} a second one)" if r["first_by"] else ""
            console.print(
                f"{told}, waits for a manager{second}: {how_to_approve(r['id'])}",
                markup=False,
                soft_wrap=True,
            )

    answer(run(work(), as_json=as_json), show, as_json=as_json)


@approvals.command("show")
def show(approval_id: str, as_json: Json = False) -> None:
    """One approval: the exact action, why it was asked, the facts and the conversation."""

    async def work() -> dict[str, Any]:
        from server.db import open_ready  # noqa: PLC0415 - as above
        from server.reading import approval_file  # noqa: PLC0415 - heavy: only when it runs

        settings = configuration.load()
        async with open_ready(settings) as pool:
            return await approval_file(pool, settings, approval_id)

    answer(run(work(), as_json=as_json), _show, as_json=as_json)


def _show(file: dict[str, Any]) -> None:
    from agent.policy.verdict import with_article  # noqa: PLC0415 - shown only for people
    from server.cli.ledger import show_state  # noqa: PLC0415 - as above

    amount = Money(file["amount_minor"], file["currency"]).format()
    console.print(
        f"[bold]{file['id']}[/bold] {file['kind']} of {amount}, {file['state']}; needs {with_article(file['role'])}"
    )
    if file["reminded_role"] and file["state"] == "pending":
        console.print(f"Nobody decided for long: {with_article(file['reminded_role'])} was told.")
    if file["first_by"]:
        console.print(f"{file['first_by']} approved it; a second person has to.", markup=False)
    if file["outcome"]:
        console.print(f"It came to this: {file['outcome']}.", markup=False)
    preview = file["preview"]
    if preview["channel"] != "record":
        title = f"{preview['channel']}" + (f": {preview['subject']}" if preview["subject"] else "")
        console.print(Panel(preview["body"], title=Text(title), title_align="left"), markup=False)
    else:
        console.print(preview["body"], markup=False)
    console.print(f"digest {file['action_digest']}")
    for line in file["diff"]:
        style = {"+": "green", "-": "red"}.get(line[:1])
        console.print(f"  {line}", style=style, markup=False)
    if file["alike"]:
        console.print(f"{len(file['alike'])} more are like it: decide {file['id']} approve --all-like.")
    for reason in file["reasons"]:
        console.print(f"  {reason['says']:<7} {reason['rule']}: {reason['reason']}", markup=False)
    show_state({**file["facts"], "timeline": []})
    show_thread(file["conversation"])


@approvals.command("decide")
def decide_(
    approval_id: str,
    decision: Annotated[
        Literal["approve", "edit", "reject", "hand_up"], typer.Argument(help="What you decide.")
    ],
    user: Annotated[str, typer.Option("--as", help="Who decides: the name of a user.")],
    reason: Annotated[str, typer.Option(help="Why; a rejected message with a reason is redrafted.")] = "",
    args: Annotated[str | None, typer.Option(help="For edit: the action's arguments as JSON.")] = None,
    digest: Annotated[
        str | None, typer.Option(help="Digest of what you saw; default: what waits now.")
    ] = None,
    like: Annotated[
        bool, typer.Option("--all-like", help="Approve what is like it and low risk, too; each is judged.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Approve, edit, reject or hand up. The command line decides as any user: whoever may run it holds the database."""

    async def work() -> dict[str, Any]:
        from pydantic import ValidationError  # noqa: PLC0415 - heavy: only when it runs

        from agent.approvals.model import Decision  # noqa: PLC0415 - as above
        from agent.approvals.queries import read_approval  # noqa: PLC0415 - as above
        from server.deciding import all_like, approve_together, decide_and_follow  # noqa: PLC0415 - as above
        from server.providers import open_channels  # noqa: PLC0415 - as above
        from server.runtime import open_engine  # noqa: PLC0415 - as above
        from server.users import user_named  # noqa: PLC0415 - as above

        if like and decision != "approve":
            raise Invalid("Only approving goes for all that are alike.")
        settings = configuration.load()
        async with open_engine(settings) as engine, open_channels(settings) as channels:
            async with engine.deps.pool.connection() as conn:
                who = await user_named(conn, user)
            if like:
                together = await all_like(engine, approval_id, digest)
                return await approve_together(engine, channels, together, who)
            async with engine.deps.pool.connection() as conn:
                seen = digest or (await read_approval(conn, approval_id=approval_id)).digest
            try:
                edited = json.loads(args) if args is not None else None
                given = Decision(decision=decision, action_digest=seen, reason=reason, edited_args=edited)
            except ValidationError as wrong:
                told = "; ".join(e["msg"].removeprefix("Value error, ") for e in wrong.errors())
                raise Invalid(f"That is no decision: {told}.") from wrong
            except json.JSONDecodeError as wrong:
                raise Invalid(f"--args is no JSON: {wrong}.") from wrong
            return await decide_and_follow(engine, channels, approval_id, given, who)

    def show_decided(result: dict[str, Any]) -> None:
        if like:
            _show_each(result)
            return
        console.print(f"{result['id']}: {result['state']} by {result['decided_by']} ({result['outcome']})")
        for again in result["asked_again"]:
            console.print(f"  a new approval waits: {again}")

    answer(run(work(), as_json=as_json), show_decided, as_json=as_json)


def _show_each(result: dict[str, Any]) -> None:
    """What became of each of the approvals that were decided together."""
    for row in result["approvals"]:
        became = row["error"]["detail"] if "error" in row else f"{row['state']} ({row['outcome']})"
        console.print(f"{row['id']}: {became}", markup=False)
    console.print(
        f"{result['approved']} approved by {result['decided_by']}, {result['sent']} sent.", markup=False
    )
