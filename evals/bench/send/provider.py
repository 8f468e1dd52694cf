"""A provider that costs nothing, and loses as many answers as it is told to."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field

from typing_extensions import override

from tools.channels.base import Channel, Outbound, Receipt
from tools.errors import Unavailable

TIMEOUT = 0.5  # seconds


@dataclass(slots=True)
class Instant(Channel):
    """Takes a message at once; with `lost` it takes this share of them and never answers, until a timeout."""

    lost: float = 0.0
    dice: random.Random = field(default_factory=lambda: random.Random(5))
    taken: Counter[str] = field(default_factory=Counter)

    @override
    async def send(self, message: Outbound) -> Receipt:
        """Count it, and answer or not."""
        self.taken[message.key] += 1
        if self.dice.random() < self.lost:
            await asyncio.sleep(TIMEOUT)
            raise Unavailable("the provider did not answer")
        return Receipt(f"b-{message.key}")

    @override
    async def find(self, message: Outbound) -> Receipt | None:
        """It holds what it took."""
        return Receipt(f"b-{message.key}") if message.key in self.taken else None
