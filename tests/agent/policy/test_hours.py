"""Hours of contact: candidate zones, summer time, stated hours, the safe window (policy.md 6, compliance.md 3)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from agent.policy.document import load_policy
from agent.policy.hours import candidate_zones, is_off, next_open, spans
from agent.policy.jurisdiction import DaysOff
from agent.policy.regions import ZONES, zones_of
from tests.builders import a_contact, a_customer, an_account, facts
from tools.ledger.model import Account, Contact

WINDOW = load_policy().document.window


def somewhere(zone: str | None = None, region: str | None = None, phone: str | None = None) -> Account:
    contacts = [a_contact(), *([a_contact(channel="sms", address=phone)] if phone else [])]
    return an_account(customer=a_customer(time_zone=zone, region=region), contacts=contacts)


def opens(
    account: Account, at: str, contact: Contact | None = None, company: str = "America/Chicago"
) -> str | None:
    """When a message drafted at `at` (UTC) may leave, in UTC."""
    now = datetime.fromisoformat(at).replace(tzinfo=UTC)
    given = facts(account=account, now=now, zone_key=company)
    found = next_open(now, spans(given, contact or account.contacts[0], WINDOW))
    return None if found is None else found.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")


@pytest.mark.parametrize(
    ("account", "zones"),
    [
        (somewhere("America/Denver", "FL", "+18504321234"), ("America/Denver",)),  # what they stated, alone
        (somewhere(None, "IL"), ("America/Chicago",)),
        (somewhere(None, "us-tx"), ("America/Chicago", "America/Denver")),
        (somewhere(None, "NY", "+18504321234"), ("America/Chicago", "America/New_York")),  # Pensacola
        (
            somewhere(None, "TX", "+18005551234"),
            ("America/Chicago", "America/Denver"),
        ),  # toll-free says nothing
        (somewhere(None, "Narnia", "12"), ()),
        (somewhere("Mars/Olympus", "IL"), ("America/Chicago",)),  # what is no zone was not stated
        (somewhere("America", None), ()),
    ],
)
def test_candidates_are_the_stated_zone_or_else_region_and_numbers(
    account: Account, zones: tuple[str, ...]
) -> None:
    assert candidate_zones(account, WINDOW) == zones


def test_every_region_names_zones_that_exist() -> None:
    assert all(ZoneInfo(zone) for zones in ZONES.values() for zone in zones)
    assert len(ZONES) >= 51
    assert zones_of(None) == ()


@pytest.mark.parametrize(
    ("account", "at", "leaves"),
    [
        # The window is half-open.
        (somewhere("America/Chicago"), "2026-03-10T13:00", "2026-03-10T13:00"),
        (somewhere("America/Chicago"), "2026-03-10T12:59", "2026-03-10T13:00"),
        (somewhere("America/Chicago"), "2026-03-11T01:59", "2026-03-11T01:59"),
        (somewhere("America/Chicago"), "2026-03-11T02:00", "2026-03-11T13:00"),
        # Clocks go forward on 8 March: 8 in the morning comes an hour of UTC earlier.
        (somewhere("America/Chicago"), "2026-03-07T13:00", "2026-03-07T14:00"),
        (somewhere("America/Chicago"), "2026-03-08T03:00", "2026-03-08T13:00"),
        # And back on 1 November.
        (somewhere("America/Chicago"), "2026-10-31T12:59", "2026-10-31T13:00"),
        (somewhere("America/Chicago"), "2026-11-01T02:30", "2026-11-01T14:00"),
        # Arizona does not change, its Navajo counties do: both must suit.
        (somewhere(None, "AZ"), "2026-07-01T14:30", "2026-07-01T15:00"),
        (somewhere(None, "AZ"), "2026-07-02T03:30", "2026-07-02T15:00"),
        (somewhere("America/Phoenix"), "2026-07-02T03:30", "2026-07-02T03:30"),
        # New York and Los Angeles: noon Eastern is not needed, 11 Eastern is.
        (somewhere(None, "NY", "+13105551234"), "2026-07-01T14:00", "2026-07-01T15:00"),
        # Unknown: the safe window, 12-20 Eastern, and the company's own hours.
        (somewhere(), "2026-07-01T15:59", "2026-07-01T16:00"),
        (somewhere(), "2026-07-02T00:00", "2026-07-02T16:00"),
        (somewhere("Pacific/Honolulu"), "2026-07-01T16:30", "2026-07-01T18:00"),
    ],
)
def test_a_message_leaves_at_the_next_instant_that_suits_every_zone(
    account: Account, at: str, leaves: str
) -> None:
    assert opens(account, at) == leaves


def test_stated_hours_replace_the_window() -> None:
    early = a_contact(quiet_hours={"start": "06:00", "end": "07:00"})
    account = an_account(contacts=[early])
    assert opens(account, "2026-03-10T16:00", early) == "2026-03-11T11:00"


def test_stated_hours_may_run_over_midnight() -> None:
    late = a_contact(quiet_hours={"start": "22:00", "end": "01:00"})
    account = an_account(contacts=[late])
    assert opens(account, "2026-03-10T05:30", late) == "2026-03-10T05:30"
    assert opens(account, "2026-03-10T06:00", late) == "2026-03-11T03:00"


def test_zones_that_share_no_hour_fall_back_to_the_safe_window_unless_hours_were_stated() -> None:
    far = facts().now
    apart = facts(
        zones=["Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata", "America/New_York"], now=far
    )
    assert [span.zone.key for span in spans(apart, a_contact(), WINDOW)] == ["America/New_York"]
    narrow = a_contact(quiet_hours={"start": "08:00", "end": "09:00"})
    assert next_open(far, spans(apart, narrow, WINDOW)) is None


def test_a_company_far_away_does_not_make_its_unknown_customers_unreachable() -> None:
    assert opens(somewhere(), "2026-07-01T03:00", company="Asia/Tokyo") is not None


def test_a_message_that_waits_is_never_dropped_within_a_year() -> None:
    """Every day of the year has an opening in every region."""
    start = datetime(2026, 1, 1, 5, tzinfo=UTC)
    for region in ZONES:
        account = somewhere(None, region)
        for day in range(0, 365, 13):
            now = start + timedelta(days=day)
            found = next_open(now, spans(facts(account=account, now=now), account.contacts[0], WINDOW))
            assert found is not None
            assert found - now < timedelta(days=1)


def on_days_off(at: str, **days: object) -> str | None:
    """When a message to a customer in Texas drafted at `at` may leave, under a policy with days off."""
    window = WINDOW.model_copy(update={"days_off": DaysOff.model_validate(days)})
    now = datetime.fromisoformat(at).replace(tzinfo=UTC)
    account = somewhere("America/Chicago", "TX")
    found = next_open(now, spans(facts(account=account, now=now), account.contacts[0], window))
    return None if found is None else found.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")


def test_on_a_day_off_nothing_leaves_and_what_waits_leaves_on_the_next_morning() -> None:
    assert on_days_off("2026-07-05T16:00", weekdays=["sunday"]) == "2026-07-06T13:00"
    assert on_days_off("2026-07-05T04:59", weekdays=["sunday"]) == "2026-07-06T13:00"  # still Saturday there
    assert on_days_off("2026-12-24T16:00", dates=["2026-12-24", "2026-12-25"]) == "2026-12-26T14:00"
    assert (
        on_days_off("2026-11-26T16:00", country="US") == "2026-11-28T14:00"
    )  # Thanksgiving, and the day after


def test_public_holidays_are_those_of_the_customers_state_too() -> None:
    texas, oregon = (is_off(DaysOff(country="US"), region, date(2026, 3, 2)) for region in ("TX", "OR"))
    assert (texas, oregon) == (True, False)  # Texas Independence Day
    assert is_off(DaysOff(country="US"), None, date(2026, 12, 25))
    assert not is_off(DaysOff(), "TX", date(2026, 12, 25))


def test_days_off_that_would_never_let_anything_leave_are_refused() -> None:
    with pytest.raises(ValidationError):
        DaysOff.model_validate(
            {"weekdays": ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]}
        )
    with pytest.raises(ValidationError, match="no public holidays"):
        DaysOff(country="Narnia")
