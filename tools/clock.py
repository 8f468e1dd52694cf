"""Time is given, never taken: whoever needs the time holds a `Clock`."""

from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Tells the time; every instant it gives is aware and in UTC."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The machine's present instant."""
        return datetime.now(UTC)


class FrozenClock:
    """A clock that stands still until it is told to move (demo, tests, evals, `DUNWELL_CLOCK`)."""

    def __init__(self, instant: datetime) -> None:
        if instant.tzinfo is None:
            msg = f"a clock needs an aware instant, not {instant.isoformat()}"
            raise TypeError(msg)
        self._instant = instant.astimezone(UTC)

    def now(self) -> datetime:
        """The instant it was frozen at, plus what it was advanced by."""
        return self._instant

    def advance(self, by: timedelta) -> None:
        """Move forward (or, to test clock jumps, back)."""
        self._instant += by


def business_day(instant: datetime, zone: ZoneInfo) -> date:
    """The calendar day of `instant` where the company is: what due dates are compared with."""
    return instant.astimezone(zone).date()
