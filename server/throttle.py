"""How much one caller may ask at once: token buckets in this process's memory.

In memory, because a look into the database for each request would cost more than what it protects, and because it is
this process that is to be protected; what has to hold over all processes and restarts, the lock-out after wrong
passwords, is in the database (server.identity.sessions).
"""

from collections import OrderedDict
from datetime import timedelta

_MOST = 10_000  # callers that are remembered; beyond that the one that was silent longest is forgotten


class Throttle:
    """A bucket for each caller: `burst` requests at once, and `per_second` more of them every second."""

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second, self._burst = per_second, burst
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # what is in it, and since when

    def take(self, who: str, *, at: float) -> timedelta | None:
        """Count a request of `who` at that many seconds of any steady clock: None, or how long until it would be let in."""
        left, since = self._buckets.pop(who, (self._burst, at))
        left = min(self._burst, left + max(0.0, at - since) * self._per_second)
        let_in = left >= 1
        self._buckets[who] = (left - let_in, at)
        if len(self._buckets) > _MOST:
            self._buckets.popitem(last=False)
        return None if let_in else timedelta(seconds=(1 - left) / self._per_second)
