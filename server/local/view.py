"""What the local page shows: what the customer sees of us, and beside it what happened here and why."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from server.access import Services
from server.health.ready import SILENT_SECONDS
from server.local.line import Answered
from server.reading import customer_state, decisions
from tools import sql
from tools.channels.base import ChannelName
from tools.errors import NotFound
from tools.ledger.queries import containing

_SQL = sql.load("server.local")
_HEALTH = sql.load("server.health")
_MESSAGES, _DECISIONS, _PEOPLE = 200, 12, 40
_ARRIVED = frozenset({"sent", "delivered"})
_WAITS = frozenset({"queued", "sending", "unknown"})
_SLOW = timedelta(seconds=20)  # a turn takes less, unless a model is slow
_NO_WORKER = (
    "No worker is running, so nobody answers yet: start `dunwell work`, or everything with `dunwell up`."
)
_MEANS = {"allow": "allowed", "ask": "asks a person", "refuse": "refused", "suggest": "only recorded"}


async def people(
    running: Services, channels: Sequence[ChannelName], text: str | None
) -> list[dict[str, Any]]:
    """Customers who can be reached on these channels, those we talked to last first."""
    like = containing(text) if text else None
    async with running.pool.connection() as conn:
        return await _rows(conn, "people", channels=list(channels), like=like, limit=_PEOPLE)


async def lines(running: Services, channels: Sequence[ChannelName], customer_id: str) -> list[dict[str, Any]]:
    """Where this customer writes from."""
    async with running.pool.connection() as conn:
        return await _rows(conn, "lines", channels=list(channels), customer_id=customer_id)


async def answered(running: Services, outbox_id: int, contact_id: str) -> Answered:
    """The mail that a customer answers. Raises NotFound for one that did not go to this contact point."""
    async with running.pool.connection() as conn:
        found = await _rows(conn, "answered", outbox_id=outbox_id, contact_id=contact_id)
    if not found:
        raise NotFound("e-mail", str(outbox_id))
    return Answered(found[0]["id"], found[0]["subject"], found[0]["body"], found[0]["at"])


async def customer(running: Services, channels: Sequence[ChannelName], customer_id: str) -> dict[str, Any]:
    """One customer's phone and mailbox, and what happened beside them. Raises NotFound."""
    state = await customer_state(running.pool, running.settings, customer_id)
    judged = await decisions(running.pool, customer_id, _DECISIONS)
    own = await lines(running, channels, customer_id)
    addresses = [line["address"].lower() for line in own]
    async with running.pool.connection() as conn:
        rows = await _rows(
            conn, "conversation", customer_id=customer_id, channels=list(channels), limit=_MESSAGES
        )
        unmatched = await _rows(conn, "unmatched", customer_id=customer_id, addresses=addresses)
        now = running.engine.deps.clock.now()
        notice = await _notice(conn, rows, now)
    return {
        "customer": state["customer"],
        "lines": own,
        "messages": [_message(running, row) for row in reversed(rows) if _is_seen(row)],
        "thinking": any(row["direction"] == "in" and row["handled_at"] is None for row in rows),
        "notice": notice,
        "queued": [_queued(row) for row in rows if row["state"] in _WAITS],
        "approvals": [_approval(each) for each in state["approvals"]],
        "unmatched": unmatched,
        "facts": [
            {"kind": kind, "says": each["says"]}
            for kind, name in (
                ("hold", "holds"), ("stop", "suppressions"), ("promise", "promises"), ("plan", "plans"),
                ("dispute", "disputes"), ("task", "tasks"),
            )
            for each in state[name]
        ],
        "decisions": [_decision(each) for each in judged],
    }  # fmt: skip


async def _notice(conn: AsyncConnection[Any], rows: Sequence[dict[str, Any]], now: datetime) -> str | None:
    waiting = [row["at"] for row in rows if row["direction"] == "in" and row["handled_at"] is None]
    if not waiting and not any(row["state"] == "queued" and row["not_before"] <= now for row in rows):
        return None
    cursor = await conn.execute(_HEALTH["workers"], {"silent_seconds": SILENT_SECONDS})
    if await cursor.fetchone() == (0,):
        return _NO_WORKER
    if waiting and now - min(waiting) > _SLOW:
        return "This takes longer than usual: `dunwell up` and the worker's log say what it waits for."
    return None


def _is_seen(row: dict[str, Any]) -> bool:
    return row["direction"] == "in" or row["state"] in _ARRIVED


def _message(running: Services, row: dict[str, Any]) -> dict[str, Any]:
    local = running.webhooks.local
    by_mail = row["channel"] == "email" and row["direction"] == "out" and local is not None
    leave = (
        f"/unsubscribe/{local.tokens.sign('unsubscribe', row['outbox_id'])}" if by_mail and local else None
    )
    names = ("id", "at", "direction", "channel", "contact_id", "subject", "body", "outbox_id")
    return {**{name: row[name] for name in names}, "unsubscribe": leave}


def _queued(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("id", "channel", "subject", "body", "reason", "not_before")}


def _approval(row: dict[str, Any]) -> dict[str, Any]:
    preview = row["preview"] or {}
    return {
        "id": row["id"],
        "says": f"{row['kind'].replace('_', ' ')} waits for a {row['role']}",
        "body": preview.get("body"),
        "why": next((each["reason"] for each in row["reasons"] if each["says"] == "ask"), ""),
        "command": f"dunwell approvals decide {row['id']} approve --as NAME",
    }


def _decision(row: dict[str, Any]) -> dict[str, Any]:
    args = row["args"] or {}
    record = args.get("record")
    what = record.get("kind") if isinstance(record, dict) else None
    name = what or args.get("purpose") or args.get("kind") or row["tool"]
    carried = [reason for reason in row["reasons"] if reason["says"] == row["verdict"]]
    return {
        "id": row["id"], "at": row["at"], "what": str(name).replace("_", " "), "verdict": row["verdict"],
        "means": _MEANS[row["verdict"]], "why": "; ".join(dict.fromkeys(r["reason"].rstrip(".") for r in carried)),
        "rules": sorted({reason["rule"] for reason in carried}),
    }  # fmt: skip


async def _rows(conn: AsyncConnection[Any], name: str, **given: Any) -> list[dict[str, Any]]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL[name], given)
        return await cursor.fetchall()
