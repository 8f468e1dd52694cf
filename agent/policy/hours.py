"""When a message may leave: the hours that suit every time zone the customer may be in (compliance.md 3).

A `Span` is one window in one zone. A message may leave at an instant that lies in every span, so what is
computed is the intersection, on real instants: changes to summer time take care of themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_number

from agent.policy.document import Window
from agent.policy.jurisdiction import DaysOff
from agent.policy.regions import code_of, zones_of
from agent.policy.verdict import Facts
from tools.errors import Invalid
from tools.ledger.model import Account, Contact

_NO_DAYS = DaysOff()


class UnreadableHours(Invalid):
    """The customer's wish is on file, but not as hours."""


@dataclass(frozen=True, slots=True)
class Span:
    """Hours of the day in one zone, half-open; where `start` is after `end` they run over midnight. Never on `off`."""

    zone: ZoneInfo
    start: time
    end: time
    off: DaysOff | None = None
    region: str | None = None  # whose public holidays count beside the country's

    def holds(self, instant: datetime) -> bool:
        """Whether the instant lies in these hours."""
        there = instant.astimezone(self.zone)
        if self.off is not None and is_off(self.off, self.region, there.date()):
            return False
        local = there.time()
        if self.start <= self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end

    def opens_after(self, instant: datetime) -> datetime:
        """The next opening after the instant, in UTC."""
        day = instant.astimezone(self.zone).date()
        opens = datetime.combine(day, self.start, self.zone).astimezone(UTC)
        while opens <= instant or (self.off is not None and is_off(self.off, self.region, day)):
            day += timedelta(days=1)
            opens = datetime.combine(day, self.start, self.zone).astimezone(UTC)
        return opens


@lru_cache(maxsize=4096)
def is_off(days: DaysOff, region: str | None, day: date) -> bool:
    """Whether the policy leaves people alone on that day: a weekday, a date, or a public holiday there."""
    if day in days.dates or f"{day:%A}".lower() in days.weekdays:
        return True
    return days.country is not None and day in _public_holidays(days.country, region, day.year)


@lru_cache(maxsize=512)
def _public_holidays(country: str, region: str | None, year: int) -> frozenset[date]:
    import holidays  # noqa: PLC0415 - a third of a second, for who wants it

    known = region if region in holidays.list_supported_countries().get(country, ()) else None
    return frozenset(holidays.country_holidays(country, subdiv=known, years=year))


@lru_cache(maxsize=512)
def zone(key: str) -> ZoneInfo | None:
    """The time zone of that name, or None where there is none."""
    try:
        return ZoneInfo(key)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder, such as "America"
        return None


@lru_cache(maxsize=4096)
def _zones_of_number(address: str) -> tuple[str, ...]:
    try:
        found = time_zones_for_number(phonenumbers.parse(address))
    except phonenumbers.NumberParseException:
        return ()
    return tuple(key for key in found if key != UNKNOWN_TIMEZONE)


def candidate_zones(account: Account, window: Window) -> tuple[str, ...]:
    """Zones the customer may be in: the stated one alone, or else those of the region and of their numbers.

    A number that stands for more zones than the policy's limit (toll-free) says nothing. None: nobody knows.
    """
    stated = account.customer.time_zone
    if stated and zone(stated) is not None:
        return (stated,)
    found = set(zones_of(account.customer.region))
    for contact in account.contacts:
        if contact.channel in ("sms", "voice"):
            of_number = _zones_of_number(contact.address)
            found |= set(of_number if len(of_number) <= window.max_zones else ())
    return tuple(sorted(found))


def zones_in(facts: Facts, window: Window) -> Sequence[str]:
    """The candidate zones of these facts: as they were recorded, or worked out."""
    return facts.zones if facts.zones is not None else candidate_zones(facts.account, window)


def stated_hours(contact: Contact) -> tuple[time, time] | None:
    """The hours that the customer wants to hear from us in. Raises UnreadableHours where they cannot be read."""
    if contact.quiet_hours is None:
        return None
    try:
        start, end = (time.fromisoformat(contact.quiet_hours[edge]) for edge in ("start", "end"))
    except (KeyError, TypeError, ValueError) as wrong:
        raise UnreadableHours(f"The stated hours of contact point {contact.id} cannot be read.") from wrong
    if start.tzinfo or end.tzinfo or start == end:
        raise UnreadableHours(
            f"The stated hours of contact point {contact.id} are no local hours of the day."
        )
    return start, end


def spans(facts: Facts, contact: Contact, window: Window) -> list[Span]:
    """Every window that must be open. Zones that are not known, too many, or at odds add the safe window.

    Raises UnreadableHours where the customer's stated hours cannot be read.
    """
    stated = stated_hours(contact)
    start, end = stated or (window.start, window.end)
    off = window.days_off if window.days_off != _NO_DAYS else None
    region = code_of(facts.account.customer.region)
    safe = Span(ZoneInfo(window.safe_zone), window.safe_start, window.safe_end, off, region)
    known = [
        Span(found, start, end, off, region)
        for found in map(zone, zones_in(facts, window))
        if found is not None
    ]
    if not known:  # the company's customers live near it, more often than not
        near = zone(facts.zone_key)
        both = [safe, *([Span(near, start, end, off, region)] if near else [])]
        return both if stated or next_open(facts.now, both) else [safe]
    if len(known) > window.max_zones:
        return [safe, *known]
    if stated is None and next_open(facts.now, known) is None:
        return [safe]  # no hour of the day suits every zone
    return known


def next_open(instant: datetime, windows: Sequence[Span]) -> datetime | None:
    """The first instant from `instant` on that lies in every window; None where there is none within nine days."""
    horizon = instant + timedelta(days=9)
    while instant <= horizon:
        closed = [window for window in windows if not window.holds(instant)]
        if not closed:
            return instant
        instant = max(window.opens_after(instant) for window in closed)
    return None


def open_from(
    instant: datetime, facts: Facts, contact: Contact, window: Window, also: Sequence[Span] = ()
) -> datetime | None:
    """The first instant from `instant` on at which the contact point may be written to; None where none is known.

    `also` are hours that must be open beside those of the policy.
    """
    try:
        return next_open(instant, [*spans(facts, contact, window), *also])
    except UnreadableHours:
        return None
