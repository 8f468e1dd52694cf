"""One message as the checker sees it: in its life, at its instant, with what left before it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tests.agent.policy.year.lives import Life
from tests.agent.policy.year.play import Message

DUNS = {"reminder", "early_notice", "formal_notice"}


@dataclass(frozen=True)
class Seen:
    """One message in its life, with what left before it."""

    life: Life
    sent: Sequence[Message]
    now: Message

    @property
    def third_party(self) -> bool:
        """Whether we collect for somebody else."""
        return self.life.third_party

    @property
    def duns(self) -> bool:
        """It asks for money."""
        return self.now.purpose in DUNS

    @property
    def ours(self) -> bool:
        """Of our own accord: it answers nothing."""
        return self.now.reply_to is None or self.duns

    def within(self, span: timedelta, channels: Sequence[str] = ("email", "sms")) -> int:
        """Messages of our own accord in the span that ends with this one, itself included."""
        since = self.now.at - span
        earlier = [
            m
            for m in self.sent
            if m.at > since and m.channel in channels and (m.reply_to is None or m.purpose in DUNS)
        ]
        return len(earlier) + 1


def _minute(at: datetime, zone: str) -> int:
    local = at.astimezone(ZoneInfo(zone))
    return local.hour * 60 + local.minute


def _clock(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


def in_hours(at: datetime, zone: str, start: int, end: int) -> bool:
    """Whether it is between those minutes of the day there; an end before its start is the next day's."""
    minute = _minute(at, zone)
    return start <= minute < end if start <= end else minute >= start or minute < end


def wished(seen: Seen) -> tuple[int, int] | None:
    """The customer's own hours at that instant, in minutes of the day."""
    found = next((w.what for w in seen.life.wishes if w.at(seen.now.at)), None)
    return (_clock(found[0]), _clock(found[1])) if found else None


def at_once(seen: Seen) -> bool:
    """Whether it answers so soon, or something so grave, that no hours bind it."""
    heard = seen.now.reply_to
    if heard is None or seen.duns:
        return False
    if seen.now.purpose in ("opt_out_confirmation", "crisis"):
        return True
    return seen.now.at - heard.at <= timedelta(minutes=60) and heard.channel == seen.now.channel
