"""Dispatch: claims, calls and settlements of one channel side by side, until stopped or until nothing is due."""

import asyncio
from dataclasses import dataclass, field, replace

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from agent.engine.run import Engine
from server.sender.call import BEGINS_WITHIN, Fate, call
from server.sender.claim import Claimed, Departure, claim
from server.sender.reconcile import reconcile
from server.sender.settle import settle
from tools.channels.base import Channel, ChannelName, Channels

_TOGETHER = (
    16  # messages of one claim: their transactions cost a sixteenth each, and no customer is locked for long
)
_CLAIMERS = 2  # claims of a channel at once: one is judged here while the database reads for the other
_CALLS = 128  # calls of a channel at once: 500 a second while a provider takes a quarter of a second
_POLL = 0.25  # seconds between looks at an empty queue
_RECONCILE = 10.0  # seconds between looks for rows that nobody settled
_PATIENCE = 1.0  # seconds until the next try while the database does not answer
_TRIES = 60  # of settling, a second apart: half as long as a claim lasts
_HELD = 0.02  # seconds until the next look at a message whose customer somebody holds
_LOOKS = 50  # of those, before a sender that is to come to an end leaves it to the next one
_DOWN = (psycopg.OperationalError, PoolTimeout)
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Dispatched:
    """What became of messages: left, put off to a permitted time, withdrawn, of unknown fate, not taken and to be tried
    again, dead letters.
    """

    sent: int = 0
    deferred: int = 0
    withdrawn: int = 0
    unknown: int = 0
    not_taken: int = 0
    failed: int = 0

    def __add__(self, other: "Dispatched") -> "Dispatched":
        names = self.__slots__
        return Dispatched(*(getattr(self, name) + getattr(other, name) for name in names))


_COUNTED_AS = {
    "sent": "sent",
    "delivered": "sent",
    "unknown": "unknown",
    "queued": "not_taken",
    "failed": "failed",
}


async def dispatch_due(engine: Engine, channels: Channels, *, limit: int = 1000) -> Dispatched:
    """Send what is due on every channel, about `limit` messages of each, and look at what was stranded.

    A message whose customer somebody holds for a moment (a webhook, another worker) is waited for; one whose customer is
    held for a second or longer is left to the next call.
    """
    total = Dispatched()
    for name, channel in channels.items():
        lane = _Sender(engine, channel, name)
        await lane.run(asyncio.Event(), limit=limit)
        total += lane.total
    await reconcile(engine, channels)
    return total


async def run_sender(engine: Engine, channels: Channels, stop: asyncio.Event) -> None:
    """Send what is due on each of these channels until `stop` is set; then calls that were begun are still settled.

    Any number of senders on any number of machines work side by side. One channel's trouble is its own.
    """
    async with asyncio.TaskGroup() as group:
        for name, channel in channels.items():
            sender = _Sender(engine, channel, name)
            for _ in range(_CLAIMERS):
                group.create_task(sender.run(stop))
        group.create_task(_reconcile_until(engine, channels, stop))


async def _reconcile_until(engine: Engine, channels: Channels, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await reconcile(engine, channels)
        except _DOWN as failure:
            _log.warning("database_does_not_answer", part="reconcile", why=type(failure).__name__)
        await _wait(stop, _RECONCILE)


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


@dataclass(slots=True)
class _Sender:
    """One channel's sender in this process."""

    engine: Engine
    channel: Channel
    name: ChannelName
    total: Dispatched = Dispatched()
    _calls: set["asyncio.Task[None]"] = field(default_factory=set)
    _known: list[tuple[Fate, "asyncio.Future[None]"]] = field(default_factory=list)
    _settling: "asyncio.Task[None] | None" = None

    async def run(self, stop: asyncio.Event, *, limit: int | None = None) -> None:
        """Work until `stop`; with a `limit` until nothing is due or so many were looked at, and raise what goes wrong."""
        left, looks = limit, 0
        while not stop.is_set() and left != 0:
            free = min(_TOGETHER, _CALLS - len(self._calls), _TOGETHER if left is None else left)
            if free < 1:
                await asyncio.wait(self._calls, return_when=asyncio.FIRST_COMPLETED)
                continue
            try:
                claimed = await self._claim(free)
            except Exception as failure:  # one channel's trouble is its own, and calls are under way
                if left is not None:
                    raise
                event = "database_does_not_answer" if isinstance(failure, _DOWN) else "claim_failed"
                _log.warning(event, part="claim", channel=self.name, why=type(failure).__name__)
                await _wait(stop, _PATIENCE)
                continue
            looks = looks + 1 if claimed.held else 0
            if self._moved(claimed):
                left = None if left is None else left - min(left, claimed.looked_at)
            elif left is None:
                await _wait(stop, _POLL)
            elif await self._another_comes_back():
                continue
            elif claimed.held and looks < _LOOKS:
                await _wait(stop, _HELD)
            else:
                break
        if self._calls:
            await asyncio.gather(*self._calls)

    async def _claim(self, limit: int) -> Claimed:
        """Claim, and begin the calls at once."""
        begun = asyncio.get_running_loop().time()
        claimed = await claim(self.engine, self.channel, self.name, limit=limit)
        for departure in claimed.departures:
            task = asyncio.create_task(self._send(departure, begun + BEGINS_WITHIN.total_seconds()))
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)
        self.total += Dispatched(
            deferred=claimed.deferred, withdrawn=claimed.withdrawn, failed=claimed.failed
        )
        return claimed

    async def _another_comes_back(self) -> bool:
        """Wait for one call, whose end may let others through; False when none is under way."""
        if self._calls:
            await asyncio.wait(self._calls, return_when=asyncio.FIRST_COMPLETED)
            return True
        return False

    @staticmethod
    def _moved(claimed: Claimed) -> int:
        """Rows that the claim moved: none where nothing was due, or the lane had no room for what might leave."""
        return len(claimed.departures) + claimed.deferred + claimed.withdrawn + claimed.failed

    async def _send(self, departure: Departure, deadline: float) -> None:
        fate = await call(self.channel, departure, deadline=deadline, clock=self.engine.deps.clock)
        settled = asyncio.get_running_loop().create_future()
        self._known.append((fate, settled))
        if self._settling is None:
            self._settling = asyncio.create_task(self._settle())
        await settled
        self.total += replace(Dispatched(), **{_COUNTED_AS[fate.move.state]: 1})

    async def _settle(self) -> None:
        """Settle what is known until there is nothing left: what becomes known meanwhile goes with the next round.

        What cannot be settled is left to `reconcile`, which asks the provider.
        """
        failures, alone = 0, 0
        while self._known:
            count = 1 if alone else len(self._known)
            known, self._known, alone = self._known[:count], self._known[count:], max(0, alone - 1)
            try:
                held = await settle(self.engine, self.name, [fate for fate, _ in known])
                failures = 0
            except _DOWN as failure:
                _log.warning("database_does_not_answer", part="settle", why=type(failure).__name__)
                failures += 1
                held = {fate.move.row.id for fate, _ in known} if failures < _TRIES else set()
                await asyncio.sleep(_PATIENCE)
            except Exception:  # noqa: BLE001 - one row that the database refuses must not stop the channel
                _log.exception("settle_failed", outbox_ids=[fate.move.row.id for fate, _ in known])
                held = set()
                if count > 1:  # nor take those with it that happened to be settled at its side
                    self._known, alone = known + self._known, count
                    continue
            for fate, settled in known:
                if fate.move.row.id in held:
                    self._known.append((fate, settled))
                elif not settled.done():  # nobody waits any more where the sender was cancelled
                    settled.set_result(None)
            if held:
                await asyncio.sleep(_HELD)
        self._settling = None
