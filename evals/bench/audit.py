"""`dunwell bench audit`: how long the proof of a long log takes, and that it finds what was done to one entry of it.

The log is written by the product's own `append_each`, with entries such as an episode writes, and anchored on the way.
"""

import os
import time
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TextIO, TypeVar

import psutil
from psycopg.types.json import Jsonb

from evals.bench.page import machine, promised, table
from evals.bench.people import NOW
from evals.bench.place import Place, circumstances
from server.audit import Audited, add_anchor, audit, export
from server.db import Pool, open_pool
from tools import sql
from tools.activity.chain import Entry, append_each
from tools.clock import FrozenClock
from tools.spec import Action, digest

T = TypeVar("T")
Sealed = Mapping[
    tuple[str, int], tuple[int, str]
]  # by customer and position: a decision's number and its row's hash
MOST_SECONDS = 60.0
_SQL = sql.load("evals.bench")
_EACH = 10  # entries that a customer gets at once: two turns
_DECIDED = 4  # of them are decisions
_BATCH = 2000  # customers in one transaction
# About as much as a decision keeps of an account with eleven invoices, two contact points and a history.
FACTS: dict[str, Any] = {
    "account": {
        "invoices": [
            {"id": f"c1-i{n}", "issue_date": "2026-01-05", "due_date": "2026-02-04", "currency": "USD", "total_minor": 125000 + n,
             "balance_minor": 125000 + n, "ledger_state": "open"}
            for n in range(11)
        ],
        "contacts": [
            {"id": f"c1-{channel}", "role": "billing", "channel": channel, "consent": "granted", "opted_out_at": None,
             "verified_at": "2025-12-10T16:00:00+00:00", "quiet_hours": None, "shared": False}
            for channel in ("email", "sms")
        ],
        "history": {"settled": 10, "late_0d": 2, "late_7d": 1, "late_15d": 0, "late_30d": 0},
    },
    "risk": {"tier": "low", "probability": 0.153}, "trigger": "ladder", "zones": ["America/Chicago"],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Timed:
    seconds: float
    cpu_seconds: float  # of this process and of Postgres

    def as_json(self) -> dict[str, float]:
        return {"seconds": round(self.seconds, 2), "cpu_seconds": round(self.cpu_seconds, 2)}


async def measure(place: Place, *, entries: int, customers: int) -> dict[str, Any]:
    """Write so many entries in so many chains, prove them, tamper with one, prove again, write the export to nowhere."""
    clock = FrozenClock(NOW)
    async with open_pool(place.conninfo, min_size=1, max_size=2) as pool:
        names = await _settle(pool, customers)
        began = time.perf_counter()
        rounds = -(-entries // (customers * _EACH))
        for number in range(rounds):
            await _write(pool, clock, names, number)
            await add_anchor(pool, clock)
            clock.advance(timedelta(hours=1))
        written = time.perf_counter() - began
        whole, proof = await _timed(place, audit(pool))
        last, _ = await _timed(place, add_anchor(pool, clock))
        with _nowhere() as nowhere:
            exported, export_took = await _timed(place, export(pool, nowhere, form="jsonl"))
        with place.admin() as admin:
            admin.execute("ALTER TABLE activity_log DISABLE TRIGGER activity_log_append_only")
            admin.execute(_SQL["tamper"], {"customer_id": names[len(names) // 2], "seq": rounds * _EACH // 2})
        after, again = await _timed(place, audit(pool, kept=last.hash if last else None))
    return {
        "machine": circumstances(place), "entries": whole.log.entries, "chains": whole.log.chains,
        "decisions": rounds * _DECIDED * customers, "anchors": len(whole.anchors.hold), "verified": whole.holds, "exported": exported,
        "verify": proof.as_json(), "verify_tampered": again.as_json(), "export": export_took.as_json(),
        "write": {"seconds": round(written, 2)}, "peak_mib": round(_peak_mib(), 0),
        "found": _found(after),
    }  # fmt: skip


def targets(result: dict[str, Any]) -> list[dict[str, Any]]:
    """What was promised: the proof's time, and that it says yes and no where it has to."""
    seconds = result["verify"]["seconds"]
    return [
        {"target": f"seconds for {result['entries']:,} entries", "is": seconds, "at_most": MOST_SECONDS, "met": seconds < MOST_SECONDS},
        {"target": "untouched log that does not verify", "is": int(not result["verified"]), "at_most": 0, "met": result["verified"]},
        {"target": "changed entries that were not found", "is": 1 - len(result["found"]), "at_most": 0, "met": len(result["found"]) == 1},
    ]  # fmt: skip


async def _settle(pool: Pool, customers: int) -> list[str]:
    async with pool.connection() as conn:
        await conn.execute(_SQL["customers"], {"now": NOW, "customers": customers})
        await conn.execute(_SQL["audit_salts"])
        await conn.execute(_SQL["audit_episodes"], {"now": NOW})
    return [f"c{n}" for n in range(1, customers + 1)]


async def _write(pool: Pool, clock: FrozenClock, names: list[str], number: int) -> None:
    for first in range(0, len(names), _BATCH):
        batch = names[first : first + _BATCH]
        positions = range(_DECIDED * number, _DECIDED * (number + 1))
        decisions = [
            {"customer_id": name, "position": p, "args": {"number": p}, "digest": _digest(name, p)}
            for name in batch
            for p in positions
        ]
        given = {"decisions": Jsonb(decisions), "facts": Jsonb(FACTS), "now": clock.now()}
        async with pool.connection() as conn:
            await conn.execute("BEGIN")
            rows = await (await conn.execute(_SQL["audit_decisions"], given)).fetchall()
            sealed = {
                (customer, position): (decision_id, seal) for customer, position, decision_id, seal in rows
            }
            entries = {name: _entries(name, positions, sealed) for name in batch}
            await append_each(conn, at=clock.now(), entries=entries)
            await conn.execute("COMMIT")


def _digest(customer: str, position: int) -> str:
    return Action(customer, "log_collection_activity", {"number": position}, customer).digest


def _entries(customer: str, positions: range, sealed: Sealed) -> list[Entry]:
    """Turns as an episode logs them: asked for, decided twice, sent, delivered."""
    episode, entries = f"ep-{customer}", []
    for record, message in zip(positions[::2], positions[1::2], strict=True):
        body = digest([customer, message, "body"]) * 2
        entries += [
            Entry("system", "System", "ledger.event", {"event": "balance_changed", "id": record}, episode),
            _decision(customer, record, sealed, {"kind": "promise"}),
            _decision(customer, message, sealed, {"outbox": message, "purpose": "reply"}),
            Entry("system", "System", "message.sent", {"outbox": message, "body": body}, episode),
            Entry("system", "System", "message.delivered", {"outbox": message}, episode),
        ]
    return entries


def _decision(customer: str, position: int, sealed: Sealed, done: dict[str, Any]) -> Entry:
    decision_id, seal = sealed[customer, position]
    subject = {
        "tool": "log_collection_activity",
        "digest": _digest(customer, position),
        "seal": seal,
        **done,
    }
    return Entry("agent", "AI Agent", "decision.allowed", subject, f"ep-{customer}", decision_id)


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _found(after: Audited) -> list[dict[str, Any]]:
    return [{"customer": b.customer_id, "entry": b.seq, "why": b.why} for b in after.log.broken]


def _peak_mib() -> float:
    """MiB that this process had at most (Linux), or has."""
    status = Path("/proc/self/status")
    if not status.exists():
        return psutil.Process().memory_info().rss / 2**20
    return next(
        int(line.split()[1]) / 1024
        for line in status.read_text("ascii").splitlines()
        if line.startswith("VmHWM")
    )


async def _timed(place: Place, work: Awaitable[T]) -> tuple[T, _Timed]:
    spent, began = place.postgres_cpu() + time.process_time(), time.perf_counter()
    result = await work
    took = time.perf_counter() - began
    return result, _Timed(took, place.postgres_cpu() + time.process_time() - spent)


def page(result: dict[str, Any]) -> str:
    """The Markdown page, as infra/measured keeps it."""
    rows = [[what, result[key]["seconds"], result[key].get("cpu_seconds", "")] for what, key in (
        ("verify: every chain, anchor and decision", "verify"), ("verify, one entry changed, against a kept anchor", "verify_tampered"),
        ("export as JSON Lines", "export"), ("write, for comparison", "write"))]  # fmt: skip
    found = "; ".join(f"customer {b['customer']}, entry {b['entry']}: {b['why']}" for b in result["found"])
    return "\n".join([
        "# The proof of a long log", "",
        f"Written by `{result['command']}`.",
        f"{result['entries']:,} entries in {result['chains']:,} chains, such as episodes write them, under {result['anchors']} anchors,",
        f"and the {result['decisions']:,} decisions that they tell of with their arguments (no messages), on an embedded server with its own settings. One process",
        "recomputes all hashes of the log and its anchors, Postgres reads the rows in order and hashes the decisions.",
        f"CPU is that of both together. The process had {result['peak_mib']:.0f} MiB at most.", "",
        machine(result["machine"]), "",
        *table(["what", "seconds", "CPU seconds"], rows), "",
        f"Then one column of one entry was changed. Found: {found or 'nothing'}.", "",
        *promised(result["targets"]),
    ])  # fmt: skip
