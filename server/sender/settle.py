"""Settle: what became of each message is written down as soon as it is known, those known at one moment together."""

from collections.abc import Sequence
from typing import Literal

from agent.engine.run import Engine
from server.health.metrics import SENDS
from server.sender.call import Fate
from server.sender.lanes import report
from server.webhooks.fates import stop_recipient, stopped_entry
from tools import failpoints
from tools.activity.chain import Entry, append_each
from tools.arrangements.plans import move_plan
from tools.channels.base import ChannelName
from tools.outbox.departures import lock_free_customers, move

_SAYS_SO: dict[ChannelName, Literal["carrier", "provider"]] = {"sms": "carrier", "email": "provider"}
_LEFT = ("sent", "delivered")


async def settle(engine: Engine, name: ChannelName, fates: Sequence[Fate]) -> set[int]:
    """Settle these fates of a channel in one transaction: the outbox ids of those that wait, as somebody holds their customer.

    It waits for no lock, so a slow holder delays its own customer's message and no other.
    """
    deps, now = engine.deps, engine.deps.clock.now()
    async with deps.pool.connection() as conn, conn.transaction():
        free = await lock_free_customers(conn, customer_ids=[f.move.row.customer_id for f in fates])
        mine = [fate for fate in fates if fate.move.row.customer_id in free]
        moved = await move(conn, [fate.move for fate in mine], now=now)
        entries: dict[str, list[Entry]] = {}
        for fate in mine:
            if fate.move.row.id not in moved:
                continue  # it was taken for dead, and another sender has the row
            row, state = fate.move.row, fate.move.state
            offer = row.action["args"].get("offer")
            if offer is not None and state in _LEFT:  # a plan is offered when the customer has it, not before
                await move_plan(conn, plan_id=offer, state="offered", now=now)
            entries.setdefault(row.customer_id, []).append(_entry(fate))
            if fate.stop is not None:
                ref, source = f"outbox:{row.id}", _SAYS_SO[name]
                await stop_recipient(conn, row, fate.stop, source=source, ref=ref, now=now)
                entries[row.customer_id].append(stopped_entry(row, fate.stop))
        await append_each(conn, at=now, entries=entries)
        said = [fate.answered for fate in mine]
        await report(conn, channel=name, answers=said.count(True), failures=said.count(False), now=now)
        failpoints.reach("sender.before_settle_commit")
    for fate in mine:
        SENDS.labels(name, fate.move.state).inc()
    failpoints.reach("sender.settled")
    return {fate.move.row.id for fate in fates} - {fate.move.row.id for fate in mine}


def _entry(fate: Fate) -> Entry:
    row = fate.move.row
    verb = "not_taken" if fate.move.state == "queued" else fate.move.state
    # The text may have been drafted anew at the claim: this is the one that left.
    subject = {
        "outbox": row.id, "message": row.message_id, "body": fate.departure.body_digest, "channel": row.channel
    }  # fmt: skip
    return Entry("system", "System", f"message.{verb}", subject, row.episode_id, row.decision_id)
