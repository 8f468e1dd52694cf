"""The demo, act by act: what is done on the stage, and how it is shown."""

from pathlib import Path
from typing import Any

from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table

from server.cli.output import cells
from server.demo.stage import Stage, console

PLAN_ASKER = "C-1005"
CONVERSATIONS = (
    ("C-1001", "Hi, sorry about that! I can pay the full amount on Friday."),
    ("C-1002", "The water heater you put in still leaks. I'm not paying until somebody comes and fixes it."),
    ("C-1003", "Please stop texting me."),
    ("C-1004", "¿Cuánto debo en total?"),
    (PLAN_ASKER, "I can't do all of it at once. Could I pay in 3 monthly payments?"),
)


def play(stage: Stage, sample: Path) -> dict[str, Any]:
    """The job, act by act; gives the figures."""
    _title("1. A ledger comes in")
    report = stage.command("import", str(sample), may_fail=True)
    for name, counted in report["counts"].items():
        console.print(f"  {counted['new']:>4} {name}")
    for found in report["findings"][:6]:
        console.print(f"  [yellow]finding[/yellow] {found['sentence']}")
    for row in report["rejected"]:
        console.print(f"  [red]rejected[/red] {row['file']} line {row['line']}: {row['reason']}")

    _title("2. The day's cycle: who owes, what may be done, who must be asked")
    cycle = stage.command("cycle")
    stage.await_server()
    _show_cycle(stage, cycle)

    _title("3. A collector decides")
    _decide(stage)

    _title("4. Customers answer")
    for customer, words in CONVERSATIONS:
        _converse(stage, customer, words)

    _title("5. The plan is approved, offered and accepted")
    _approve_plan(stage, PLAN_ASKER)
    _converse(stage, PLAN_ASKER, "YES, that works for me. Thank you!")

    _title("6. One customer, as a collector sees them")
    _state(stage, PLAN_ASKER)

    _title("7. The audit trail")
    audit = stage.command("audit", "verify")
    console.print(
        f"  {audit['entries']} entries in {audit['chains']} chains; every link holds: {audit['verified']}"
    )
    counts = stage.get("/v1/counts")
    return {
        "customers": counts["customers"], "overdue": cycle["overdue"], "sent": counts["sent"],
        "approvals_asked": counts["approvals_asked"], "approvals_resumed": counts["approvals_resumed"],
        "replies_handled": counts["replies_handled"], "holds": counts["holds"],
        "audit_verified": audit["verified"],
    }  # fmt: skip


def _title(text: str) -> None:
    console.print()
    console.print(Rule(f"[bold]{text}", align="left"))


def _show_cycle(stage: Stage, cycle: dict[str, Any]) -> None:
    console.print(
        f"  {cycle['overdue']} customers overdue: {cycle['held']} held, {cycle['proposed']} proposals, "
        f"{cycle['sent']} messages sent, {cycle['deferred']} wait for a permitted hour, {cycle['asked']} wait for a person"
    )
    table = Table(title="What waits, and why (the five largest)", title_justify="left", show_edge=False)
    for column in ("approval", "customer", "amount", "needs", "why"):
        table.add_column(column, overflow="fold")
    for waiting in stage.get("/v1/approvals", limit=5)["approvals"]:
        why = next((reason["reason"] for reason in waiting["reasons"] if reason["says"] == "ask"), "")
        amount = f"{waiting['amount_minor'] / 100:,.2f} {waiting['currency']}"
        table.add_row(*cells(waiting["id"], waiting["customer"], amount, waiting["role"], why))
    console.print(table)
    sent = stage.get("/v1/outbox", state="delivered", limit=200)["outbox"]
    for row in _one_each(sent):
        _message(row)


def _one_each(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One example of each channel."""
    return list({row["channel"]: row for row in rows}.values())


def _message(row: dict[str, Any]) -> None:
    subject = f": {row['subject']}" if row["subject"] else ""
    console.print(
        Panel(row["body"], title=f"sent by {row['channel']}{subject}", title_align="left", width=88),
        markup=False,
    )


def _decide(stage: Stage) -> None:
    waiting = [
        a for a in stage.get("/v1/approvals", limit=1000)["approvals"]
        if a["kind"] == "send" and a["role"] == "collector" and a["amount_minor"] <= 5000_00
    ]  # fmt: skip
    for approval, decision, reason in zip(
        waiting, ("reject", "approve"), ("Friendlier, please.", ""), strict=False
    ):
        file = stage.get(f"/v1/approvals/{approval['id']}")
        console.print(f"  dana reads {approval['id']} for {approval['customer']}:", markup=False)
        _preview(file)
        body = {"decision": decision, "action_digest": file["action_digest"], "reason": reason}
        said = stage.try_post(f"/v1/approvals/{approval['id']}/decision", body).json()
        console.print(f"  [bold]{decision}[/bold] {reason} -> {said.get('state') or said.get('detail')}")
        again = stage.try_post(f"/v1/approvals/{approval['id']}/decision", body)
        console.print(f"  the same click again -> {again.status_code} {again.json().get('detail', '')}")
        for fresh in said.get("asked_again", []):
            console.print(f"  redrafted; {fresh} waits now:", markup=False)
            _preview(stage.get(f"/v1/approvals/{fresh}"))


def _approve_plan(stage: Stage, customer: str) -> None:
    for waiting in stage.get("/v1/approvals", customer=customer)["approvals"]:
        if waiting["kind"] == "plan":
            file = stage.get(f"/v1/approvals/{waiting['id']}")
            console.print(f"  dana reads {waiting['id']}:", markup=False)
            _preview(file)
            body = {"decision": "approve", "action_digest": file["action_digest"]}
            said = stage.try_post(f"/v1/approvals/{waiting['id']}/decision", body).json()
            console.print(f"  [bold]approve[/bold] -> {said.get('state') or said.get('detail')}")
    newest = stage.get("/v1/outbox", customer=customer, limit=1)["outbox"]
    for row in newest:
        _message(row)


def _state(stage: Stage, customer: str) -> None:
    state = stage.get(f"/v1/customers/{customer}/state")
    who = state["customer"]
    console.print(
        f"  {who['name']}, {who['segment']}, owner {who['owner']}, tier {state['risk']['tier']}", markup=False
    )
    for kind in ("invoices", "promises", "plans", "holds", "tasks"):
        for item in state[kind]:
            says = (
                item.get("says")
                or f"{item['number']}: {item['balance']}, {item['days_past_due']} days past due"
            )
            console.print(f"    {kind}: {says}", markup=False)


def _preview(file: dict[str, Any]) -> None:
    preview = file["preview"]
    title = preview["channel"] + (f": {preview['subject']}" if preview["subject"] else "")
    console.print(Panel(preview["body"], title=title, title_align="left", width=88), markup=False)


def _converse(stage: Stage, customer: str, words: str) -> None:
    said = stage.post("/v1/messages", {"customer_id": customer, "body": words})
    console.print()
    console.print(f"  [bold]{customer}[/bold] writes: {words}")
    for decision in said["decisions"]:
        console.print(f"    [dim]{decision['verdict']:<7} {decision['what']}: {decision['why']}[/dim]")
    for entry in said["timeline"]:
        if entry["direction"] == "out" and entry["id"] > said["message"]:
            _message(entry)
