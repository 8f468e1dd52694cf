"""Fates: what a provider says later of a message that it took, heeded once and in whatever order it comes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from psycopg import AsyncConnection
from psycopg.rows import scalar_row

from agent.engine.run import Engine
from agent.policy.gate import permit_for_task
from tools import failpoints, sql
from tools.activity.chain import Entry, append
from tools.activity.record import talking_points
from tools.arrangements.consent import Evidence, Stop, is_opted_out, stop
from tools.arrangements.plans import move_plan
from tools.channels.base import ChannelName
from tools.clock import business_day
from tools.followups.follow_ups import schedule
from tools.ledger.queries import lock_customer, read_account
from tools.outbox.departures import Move, OutboxRow, as_sent, move, read_row
from tools.outbox.queue import State
from tools.spec import storable

_SQL = sql.load("server")
_TRIES = 3  # calls of a message that a provider took and could not deliver
_LATER = timedelta(
    hours=4
)  # a phone that was off may be on by then; quiet hours are kept when it is judged again
# What a message may be now for the provider's word to move it on. What it delivered did leave, whatever we thought.
_BEFORE: dict[str, tuple[State, ...]] = {
    "sent": ("sending", "unknown"),
    "delivered": ("sending", "unknown", "sent", "queued", "withdrawn", "failed"),
    "failed": ("sending", "unknown", "sent"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What a provider says of one of our messages. `key` is the outbox id that it carried, `event_id` the same on every delivery.

    `failed` says what is to be done: try `later`, the address is `bad`, the person has `opted_out`, or a person has to `look`.
    """

    provider: Literal["twilio", "sendgrid"]
    event_id: str
    kind: str  # in the provider's own word
    at: datetime
    key: str | None
    provider_id: str | None = None
    internet_id: str | None = None  # the Message-ID under which an e-mail left
    address: str | None = None  # whom it went to, where the provider says so
    state: Literal["sent", "delivered", "failed"] | None = None
    failed: Literal["later", "bad", "opted_out", "look"] = "look"
    code: str | None = None
    stop: Literal["opt_out", "complaint"] | None = None  # what the customer said by it


async def heed(engine: Engine, word: Word) -> bool:
    """Take a provider's word for what became of a message; False where there is no such message, or it said so before."""
    row = await _row(engine, word)
    if row is None:
        return False
    now = engine.deps.clock.now()
    async with engine.deps.pool.connection() as conn, conn.transaction():
        await lock_customer(conn, customer_id=row.customer_id)
        if word.address is not None and not await _went_to(conn, row, word.address):
            return False  # another installation's, on the same account of the provider
        row = await read_row(conn, outbox_id=row.id)  # as it is under the lock
        if not await _is_new(conn, word, row.id):
            return False
        if word.internet_id is not None:
            given = {"message_id": row.message_id, "internet_id": storable(word.internet_id)}
            await conn.execute(_SQL["set_internet_id"], given)
        entries = [*await _moved(conn, engine, row, word, now), *await _stopped(conn, row, word, now)]
        await append(conn, customer_id=row.customer_id, at=now, entries=entries)
        failpoints.reach("fate.before_commit")
    failpoints.reach("fate.heeded")
    return True


async def _row(engine: Engine, word: Word) -> OutboxRow | None:
    async with engine.deps.pool.connection() as conn, conn.cursor(row_factory=scalar_row) as cursor:
        key = (
            int(word.key)
            if word.key and word.key.isascii() and word.key.isdecimal() and len(word.key) < 19
            else None
        )
        await cursor.execute(_SQL["outbox_of"], {"key": key, "provider_id": word.provider_id})
        found = await cursor.fetchone()
        return None if found is None else await read_row(conn, outbox_id=found)


async def _went_to(conn: AsyncConnection[Any], row: OutboxRow, address: str) -> bool:
    sent_to, *_ = await as_sent(conn, outbox_id=row.id)
    return sent_to.lower() == address.lower()


async def unsubscribe(engine: Engine, outbox_id: int) -> None:
    """Whoever got this message wants no more of its channel. Raises NotFound."""
    now = engine.deps.clock.now()
    async with engine.deps.pool.connection() as conn, conn.transaction():
        row = await read_row(conn, outbox_id=outbox_id)
        await lock_customer(conn, customer_id=row.customer_id)
        if await is_opted_out(conn, customer_id=row.customer_id, channel=row.channel):
            return
        await stop_recipient(conn, row, "opt_out", source="unsubscribe", ref=f"outbox:{row.id}", now=now)
        subject = {"channel": row.channel, "outbox": row.id}
        entry = Entry("customer", "Customer", "consent.opt_out", subject, row.episode_id, row.decision_id)
        await append(conn, customer_id=row.customer_id, at=now, entries=[entry])


async def _is_new(conn: AsyncConnection[Any], word: Word, outbox_id: int) -> bool:
    given = {
        "provider": word.provider, "event_id": word.event_id, "outbox_id": outbox_id, "kind": word.kind,
        "code": word.code, "at": word.at,
    }  # fmt: skip
    return (await conn.execute(_SQL["add_provider_event"], given)).rowcount > 0


async def _moved(
    conn: AsyncConnection[Any], engine: Engine, row: OutboxRow, word: Word, now: datetime
) -> list[Entry]:
    late = (
        word.provider == "sendgrid" and word.failed == "bad" and row.state == "delivered"
    )  # bounced by whom it reached
    if word.state is None or not (row.state in _BEFORE[word.state] or (word.state == "failed" and late)):
        return []
    wanted = _wanted(row, word, now)
    await move(conn, [wanted], now=now)
    offer = row.action["args"].get("offer")
    if offer is not None and wanted.state in ("sent", "delivered"):
        await move_plan(conn, plan_id=offer, state="offered", now=now)
    if word.state == "failed" and wanted.state != "queued":
        await _tell_a_person(conn, engine, row, now)
    subject = {"outbox": row.id, "message": row.message_id, "code": word.code}
    return [_entry(row, f"message.{'not_delivered' if wanted.state == 'queued' else wanted.state}", subject)]


def _wanted(row: OutboxRow, word: Word, now: datetime) -> Move:
    provider_id = storable(word.provider_id)
    if word.state != "failed":
        return Move(row, word.state or "sent", provider_id=provider_id)
    reason = f"the provider could not deliver it ({word.code or word.kind})"
    if word.failed == "later" and row.attempts < _TRIES:  # judged again before it leaves
        return Move(row, "queued", reason, provider_id=provider_id, not_before=now + _LATER)
    return Move(row, "bounced" if word.failed == "bad" else "failed", reason, provider_id=provider_id)


async def _stopped(conn: AsyncConnection[Any], row: OutboxRow, word: Word, now: datetime) -> list[Entry]:
    """What the provider says of the customer: a carrier's opt-out, a dead address, a complaint."""
    why: Stop | None = word.stop
    if word.state == "failed" and word.failed in ("bad", "opted_out"):
        why = "bounced" if word.failed == "bad" else "opt_out"
    if why is None:
        return []
    await stop_recipient(
        conn, row, why, source="carrier" if word.state else "provider", ref=word.event_id, now=now
    )
    return [stopped_entry(row, why)]


async def stop_recipient(
    conn: AsyncConnection[Any],
    row: OutboxRow,
    why: Stop,
    *,
    source: Literal["carrier", "provider", "unsubscribe"],
    ref: str | None,
    now: datetime,
) -> None:
    """Stop whoever this message went to: that address where it bounced, the whole channel where they want no more."""
    channel: ChannelName | None = None if why == "bounced" else row.channel
    contact_id = row.contact_id if why == "bounced" else None
    await stop(
        conn, customer_id=row.customer_id, channel=channel, contact_id=contact_id, reason=why,
        evidence=Evidence(source=source, at=now, provider_ref=ref),
    )  # fmt: skip


def stopped_entry(row: OutboxRow, why: Stop) -> Entry:
    """What the activity log says of it."""
    return _entry(row, f"consent.{why}", {"channel": row.channel, "outbox": row.id})


async def _tell_a_person(conn: AsyncConnection[Any], engine: Engine, row: OutboxRow, now: datetime) -> None:
    deps = engine.deps
    today = business_day(now, deps.company.zone)
    account = await read_account(conn, customer_id=row.customer_id, today=today, now=now)
    why = "A message could not be delivered: find another way to reach the customer."
    permit = permit_for_task(
        decision_id=row.decision_id, episode_id=row.episode_id, customer_id=row.customer_id,
        digest=f"undelivered:{row.id}",
    )  # fmt: skip
    await schedule(
        conn, permit, kind="review", due_at=now, reason=why, assignee=account.customer.owner, priority="normal",
        talking_points=talking_points(account, why), once=True,
    )  # fmt: skip


def _entry(row: OutboxRow, action: str, subject: dict[str, Any]) -> Entry:
    return Entry("system", "System", action, subject, row.episode_id, row.decision_id)
