"""The demo: the whole job on the sample ledger, by the public command line and the HTTP API and nothing else."""

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table

from server import settings as configuration

SAMPLE = "tools.ledger.sample"
NOW = "2026-11-17T16:00:00+00:00"  # a Tuesday morning in Chicago; the sample ledger is written for that day
_START_SECONDS = 60.0
console = Console(highlight=False)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the demo plays: the environment of its commands and the client of its server."""

    environment: dict[str, str]
    api: httpx.Client

    def command(self, *words: str) -> dict[str, Any]:
        """Run `dunwell WORDS --json` as a person would, and give what it answered. Exits the demo when it fails."""
        console.print(f"[dim]$ dunwell {' '.join(words)}[/dim]", soft_wrap=True)
        done = subprocess.run(
            [sys.executable, "-m", "server.cli", *words, "--json"],
            env=self.environment, stdout=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0 and words[0] != "import":
            raise SystemExit(f"dunwell {words[0]} failed with exit code {done.returncode}")
        answered: dict[str, Any] = json.loads(done.stdout)
        return answered

    def get(self, path: str, **params: str | int) -> dict[str, Any]:
        """GET a path of the API."""
        response = self.api.get(path, params=params)
        response.raise_for_status()
        answered: dict[str, Any] = response.json()
        return answered

    def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """POST to a path of the API; the caller looks at the status."""
        return self.api.post(path, json=body)


def run_demo(*, keep: bool, ledger: Path | None = None) -> int:
    """Play the demo in a database of its own and print its figures as the last line. Gives the exit code."""
    started = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="dunwell-demo-"))
    sample = ledger or Path(str(resources.files(SAMPLE).joinpath("")))
    console.print(
        Rule("[bold]Dunwell[/bold]: the model proposes, the policy disposes, a person decides what is risky")
    )
    try:
        with _stage(folder, sample) as stage:
            figures = play(stage, sample)
    finally:
        _clean_up(folder, keep=keep)
    figures["seconds"] = round(time.monotonic() - started, 1)
    console.print(Rule("figures"))
    print(json.dumps(figures))  # noqa: T201 - the last line is for programs
    return 0 if figures["audit_verified"] else 1


@contextmanager
def _stage(folder: Path, sample: Path) -> Iterator[Stage]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **configuration.inherited(),
        "DUNWELL_DATA_DIR": str(folder / "data"),
        "DUNWELL_CLOCK": NOW,
        "DUNWELL_POLICY": str(sample / "policy.toml"),
        "DUNWELL_PORT": str(port),
    }
    base = f"http://127.0.0.1:{port}"
    stage = Stage(environment, httpx.Client(base_url=base, timeout=60, trust_env=False))
    key = stage.command("user", "add", "dana", "--role", "collector", "--limit", "5000")["api_key"]
    server = subprocess.Popen([sys.executable, "-m", "server.cli", "serve"], env=environment)
    try:
        _wait(stage.api, server)
        stage.api.headers["Authorization"] = f"Bearer {key}"
        yield stage
    finally:
        server.terminate()
        server.wait(timeout=30)
        stage.api.close()


def _wait(api: httpx.Client, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if api.get("/readyz").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


def _clean_up(folder: Path, *, keep: bool) -> None:
    from server.embedded import stop  # noqa: PLC0415 - the demo's own database, stopped after its last command

    data = folder / "data"
    if keep:
        console.print(f"The demo's database stays: DUNWELL_DATA_DIR={data}")
        return
    stop(data)
    shutil.rmtree(folder, ignore_errors=True)


def play(stage: Stage, sample: Path) -> dict[str, Any]:
    """The job, act by act; gives the figures."""
    _title("1. A ledger comes in")
    report = stage.command("import", str(sample))
    for name, counted in report["counts"].items():
        console.print(f"  {counted['new']:>4} {name}")
    for found in report["findings"][:6]:
        console.print(f"  [yellow]finding[/yellow] {found['sentence']}")
    for row in report["rejected"]:
        console.print(f"  [red]rejected[/red] {row['file']} line {row['line']}: {row['reason']}")

    _title("2. The day's cycle: who owes, what may be done, who must be asked")
    cycle = stage.command("cycle")
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


PLAN_ASKER = "C-1005"
CONVERSATIONS = (
    ("C-1001", "Hi, sorry about that! I can pay the full amount on Friday."),
    ("C-1002", "The water heater you put in still leaks. I'm not paying until somebody comes and fixes it."),
    ("C-1003", "Please stop texting me."),
    ("C-1004", "¿Cuánto debo en total?"),
    (PLAN_ASKER, "I can't do all of it at once. Could I pay in 3 monthly payments?"),
)


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
        table.add_row(waiting["id"], waiting["customer"], amount, waiting["role"], why)
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
        answered = stage.post(f"/v1/approvals/{approval['id']}/decision", body)
        said = answered.json()
        console.print(f"  [bold]{decision}[/bold] {reason} -> {said.get('state') or said.get('detail')}")
        again = stage.post(f"/v1/approvals/{approval['id']}/decision", body)
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
            said = stage.post(f"/v1/approvals/{waiting['id']}/decision", body).json()
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
    preview = file["preview"] or {"channel": "record", "subject": None, "body": json.dumps(file["action"])}
    _panel = Panel(
        preview["body"],
        title=f"{preview['channel']}: {preview['subject'] or ''}",
        title_align="left",
        width=88,
    )
    console.print(_panel, markup=False)


def _converse(stage: Stage, customer: str, words: str) -> None:
    answered = stage.post("/v1/messages", {"customer_id": customer, "body": words})
    answered.raise_for_status()
    said = answered.json()
    console.print()
    console.print(f"  [bold]{customer}[/bold] writes: {words}")
    for decision in said["decisions"]:
        console.print(f"    [dim]{decision['verdict']:<7} {decision['what']}: {decision['why']}[/dim]")
    for entry in said["timeline"]:
        if entry["direction"] == "out" and entry["id"] > said["message"]:
            _message(entry)
