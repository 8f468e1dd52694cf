"""Providers that tests send through: they take, lose, refuse and remember what they are told to."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from typing_extensions import override

from tools.channels.base import Channel, Outbound, Pace, Receipt

Answers = Callable[[Outbound], Exception | None]


@dataclass(slots=True)
class Provider(Channel):
    """Remembers what it took. `loses` says which calls it does not take; `fails` how a call ends, taken or not.

    It can be asked for a message by our key, unless `unable` says how that ends.
    """

    loses: Callable[[Outbound], bool] = lambda _: False
    fails: Answers = lambda _: None
    unable: Exception | None = None
    pace: Pace | None = None
    settling: timedelta = timedelta(minutes=2)
    first: Callable[[Outbound], Awaitable[None]] | None = None  # what happens while it thinks
    calls: list[Outbound] = field(default_factory=list)
    taken: list[Outbound] = field(default_factory=list)

    @override
    async def send(self, message: Outbound) -> Receipt:
        self.calls.append(message)
        if not self.loses(message):
            self.taken.append(message)
        await (self.first(message) if self.first else asyncio.sleep(0))
        if (failure := self.fails(message)) is not None:
            raise failure
        return Receipt(f"sm-{message.key}")

    @override
    async def find(self, message: Outbound) -> Receipt | None:
        if self.unable is not None:
            raise self.unable
        return next((Receipt(f"sm-{taken.key}") for taken in self.taken if taken.key == message.key), None)


@dataclass(frozen=True, slots=True)
class OnPaper(Channel):
    """A provider whose memory is a file, for senders in several processes."""

    path: Path
    pace: Pace | None = None
    settling: timedelta = timedelta(minutes=2)

    @override
    async def send(self, message: Outbound) -> Receipt:
        with self.path.open("a") as file:
            file.write(f"{message.key}\n")
        return Receipt(f"sm-{message.key}")

    @override
    async def find(self, message: Outbound) -> Receipt | None:
        return Receipt(f"sm-{message.key}") if message.key in self.taken() else None

    def taken(self) -> list[str]:
        """The keys that it took, in their order."""
        return self.path.read_text().split() if self.path.exists() else []
