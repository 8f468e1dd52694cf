"""A channel's lane: its pace and its trouble, in one row that all senders on all machines share.

The pace is a token bucket. The trouble is a circuit breaker: after five calls in a row without an answer the lane is
closed to traffic ("open", as an electrician says) for half a minute; then one message tries, and its answer decides.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import class_row

from tools import sql
from tools.channels.base import ChannelName, Pace

_SQL = sql.load("server.sender")
THRESHOLD = 5  # calls without an answer in a row: two or three happen to every provider
REST = timedelta(seconds=30)
# Senders' clocks differ by less. What was written down for later than it can be, by more than this, is of a clock that
# has been set back since.
_SKEW = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Lane:
    """How a channel fares. `open_until` is None while its provider answers."""

    channel: ChannelName
    tokens: float = 0.0
    refilled_at: datetime | None = None
    failures: int = 0
    open_until: datetime | None = None

    def state(self, now: datetime) -> str:
        """`closed` (traffic flows), `open` (none does) or `half-open` (one message may try)."""
        if self.open_until is None:
            return "closed"
        return "open" if now < self.open_until <= now + REST + _SKEW else "half-open"

    def allows(self, wanted: int, pace: Pace | None, now: datetime) -> int:
        """How many of `wanted` messages may leave now."""
        if self.state(now) == "open":
            return 0
        if self.state(now) == "half-open":
            wanted = min(1, wanted)
        return wanted if pace is None else min(wanted, int(self._filled(pace, now)))

    def spend(self, count: int, pace: Pace | None, now: datetime) -> "Lane":
        """The lane after `count` messages left; the one that tries a lane in trouble keeps the others out meanwhile."""
        spent = self
        if pace is not None:
            refilled = max(now, self._last(now) or now)
            spent = replace(spent, tokens=self._filled(pace, now) - count, refilled_at=refilled)
        if count and self.state(now) == "half-open":
            spent = replace(spent, open_until=now + REST)
        return spent

    def _last(self, now: datetime) -> datetime | None:
        jumped = self.refilled_at is not None and self.refilled_at > now + _SKEW
        return now if jumped else self.refilled_at

    def _filled(self, pace: Pace, now: datetime) -> float:
        last = self._last(now)
        if last is None:
            return float(pace.burst)
        elapsed = max(0.0, (now - last).total_seconds())
        return min(float(pace.burst), self.tokens + elapsed * pace.per_second)


async def lanes(conn: AsyncConnection[Any], *, channel: ChannelName | None = None) -> list[Lane]:
    """The lanes that ever had a pace or trouble, for those who watch; any other is closed and free."""
    async with conn.cursor(row_factory=class_row(Lane)) as cursor:
        await cursor.execute(_SQL["lanes"], {"channel": channel})
        return await cursor.fetchall()


async def room(
    conn: AsyncConnection[Any], *, channel: ChannelName, wanted: int, pace: Pace | None, now: datetime
) -> int:
    """How many of `wanted` messages could leave now. Nothing is reserved: `take` decides."""
    found = await lanes(conn, channel=channel)
    lane = found[0] if found else Lane(channel)
    return lane.allows(wanted, pace, now)


async def take(
    conn: AsyncConnection[Any], *, channel: ChannelName, wanted: int, pace: Pace | None, now: datetime
) -> int:
    """Take leave for at most `wanted` messages, in the transaction that claims them: how many it is."""
    if pace is not None:
        await conn.execute(_SQL["open_lane"], {"channel": channel})
    elif not any(lane.open_until for lane in await lanes(conn, channel=channel)):
        return wanted  # nearly always: no row is written, and no sender waits for another
    async with conn.cursor(row_factory=class_row(Lane)) as cursor:
        await cursor.execute(_SQL["lock_lane"], {"channel": channel})
        lane = await cursor.fetchone() or Lane(channel)
    count = lane.allows(wanted, pace, now)
    spent = lane.spend(count, pace, now)
    given = {"tokens": spent.tokens, "refilled_at": spent.refilled_at, "open_until": spent.open_until}
    await conn.execute(_SQL["spend"], {"channel": channel, **given})
    return count


async def report(
    conn: AsyncConnection[Any], *, channel: ChannelName, answers: int, failures: int, now: datetime
) -> None:
    """What became of some calls: one answer, whatever it says, ends a lane's trouble; failures in a row are its trouble."""
    if answers:
        await conn.execute(_SQL["answered"], {"channel": channel})
    elif failures:
        given = {"channel": channel, "failures": failures, "threshold": THRESHOLD, "until": now + REST}
        await conn.execute(_SQL["unanswered"], given)
