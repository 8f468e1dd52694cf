"""Lives: what happens to one invented customer in 2026. Plain data, made from a seed; nothing is judged here."""

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from tests.agent.policy.year.places import Place, place

BEGINS = datetime(2026, 1, 1, 6, tzinfo=UTC)
MINUTES = 365 * 1440
_TURNS = (
    datetime(2026, 3, 7, tzinfo=UTC),
    datetime(2026, 10, 31, tzinfo=UTC),
)  # the days before clocks change
_EDGES = ((8, 0), (7, 59), (20, 59), (21, 0), (12, 0), (19, 59), (20, 0), (7, 30))
SIGNALS = (
    "opt_out",
    "dispute",
    "deceased",
    "representation",
    "hardship",
    "payment_claim",
    "wrong_party",
    "escalation",
)
_HOLDS = {"deceased": "deceased", "representation": "representation", "hardship": "hardship", "payment_claim": "payment_claim", "wrong_party": "wrong_party", "escalation": "safety", "dispute": "dispute"}  # fmt: skip
ANSWERS = {
    "opt_out": ("opt_out_confirmation", "opt_out_confirmation"), "dispute": ("acknowledgement", "dispute_ack"),
    "deceased": ("condolence", "condolence"), "representation": ("acknowledgement", "hold_ack"),
    "hardship": ("acknowledgement", "hardship_ack"), "payment_claim": ("acknowledgement", "payment_claim_ack"),
    "wrong_party": ("acknowledgement", "wrong_party_ack"), "escalation": ("crisis", "crisis"),
}  # fmt: skip
Kind = Literal["business", "consumer", "unknown"]


@dataclass(frozen=True)
class Span:
    """Something that is so from `begins` until `ends` (None: for good)."""

    begins: datetime
    ends: datetime | None
    what: Any = None

    def at(self, t: datetime) -> bool:
        """Whether it is so then."""
        return self.begins <= t and (self.ends is None or t < self.ends)


@dataclass(frozen=True)
class Bill:
    """An invoice; `paid` is the day on which the ledger shows it settled."""

    id: str
    due: date
    minor: int
    paid: date | None


@dataclass(frozen=True)
class Heard:
    """A message of the customer."""

    id: int
    at: datetime
    channel: Literal["email", "sms"]
    signals: frozenset[str]


@dataclass
class Life:
    """One customer's year."""

    number: int
    place: Place
    kind: Kind
    postal: str | None
    consents: dict[str, str]
    connector: bool
    pays_by_mail: bool
    third_party: bool  # who collects collects for somebody else
    bills: list[Bill] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    silenced: list[Span] = field(default_factory=list)  # what: (channel or None, contact or None, reason)
    marked: list[Span] = field(default_factory=list)  # do not contact
    holds: list[Span] = field(default_factory=list)  # what: (reason, bill ids or None)
    disputes: list[Span] = field(default_factory=list)  # what: bill ids
    promises: list[Span] = field(default_factory=list)  # what: the promised day; open while it lasts
    plans: list[Span] = field(default_factory=list)  # running while it lasts
    pending: list[Span] = field(default_factory=list)
    wishes: list[Span] = field(default_factory=list)  # what: (start, end)
    attempts: list[tuple[datetime, str, int]] = field(default_factory=list)  # when, what, a number to vary it


def life(number: int, seed: int = 5) -> Life:
    """The life of that number, the same each time."""
    dice = random.Random(seed * 1_000_003 + number)
    here = place(number)
    made = Life(
        number, here, dice.choice(("consumer", "consumer", "business", "unknown")), dice.choice((None, "112", "142", "941", "110")),
        {"email": dice.choice(("granted", "granted", "implied", "unknown")), "sms": dice.choice(("granted", "granted", "implied", "unknown"))},
        dice.random() < 0.3, dice.random() < 0.2, dice.random() < 0.5,
    )  # fmt: skip
    for n in range(dice.randint(2, 6)):
        due = BEGINS.date() + timedelta(days=dice.randint(-20, 330))
        paid = due + timedelta(days=dice.randint(-3, 120)) if dice.random() < 0.7 else None
        made.bills.append(Bill(f"b{n}", due, dice.choice((5_000, 40_000, 120_000, 260_000)), paid))
    _happenings(made, dice)
    _words(made, dice)
    made.attempts = sorted(_attempts(made, dice))
    return made


def _moment(dice: random.Random) -> datetime:
    return BEGINS + timedelta(minutes=dice.randrange(MINUTES))


def _span(dice: random.Random, days: int, what: Any = None) -> Span:
    begins = _moment(dice)
    return Span(begins, begins + timedelta(days=dice.randint(1, days)), what)


def _happenings(made: Life, dice: random.Random) -> None:
    ids = [bill.id for bill in made.bills]
    if dice.random() < 0.3:
        made.holds.append(
            _span(dice, 40, (dice.choice(("hardship", "complaint", "representation", "unclear")), dice.choice((None, [dice.choice(ids)]))))
        )  # fmt: skip
    if dice.random() < 0.3:
        made.disputes.append(_span(dice, 60, [dice.choice(ids)]))
    for _ in range(dice.randint(0, 2)):
        begins = _moment(dice)
        promised = begins.date() + timedelta(days=dice.randint(1, 25))
        after = datetime(promised.year, promised.month, promised.day, tzinfo=UTC) + timedelta(days=12)
        made.promises.append(Span(begins, after, promised))
    if dice.random() < 0.2:
        made.plans.append(_span(dice, 90))
    if dice.random() < 0.4:
        made.pending.append(_span(dice, 6))
    if dice.random() < 0.05:
        made.marked.append(Span(_moment(dice), None))
    if dice.random() < 0.35:
        hours = dice.choice((("09:00", "12:00"), ("17:00", "19:30"), ("22:00", "01:00"), ("06:00", "07:00")))
        made.wishes.append(_span(dice, 200, hours))


def _words(made: Life, dice: random.Random) -> None:
    for n in range(dice.randint(0, 4)):
        at = _moment(dice)
        channel: Literal["email", "sms"] = "email" if dice.random() < 0.5 else "sms"
        said = frozenset(dice.sample(SIGNALS, 1)) if dice.random() < 0.4 else frozenset[str]()
        made.heard.append(Heard(n + 1, at, channel, said))
        for signal in said & _HOLDS.keys():
            end = None if signal in ("deceased", "wrong_party") else at + timedelta(days=dice.randint(2, 50))
            made.holds.append(Span(at, end, (_HOLDS[signal], None)))
        if "opt_out" in said:
            if dice.random() < 0.5:  # says it again
                again = at + timedelta(days=dice.randint(1, 20))
                made.heard.append(Heard(n + 11, again, channel, said))
            made.silenced.append(Span(at, None, (dice.choice((channel, None)), None, "opt_out")))
        if "wrong_party" in said:
            made.silenced.append(Span(at, None, (None, f"contact-{channel}", "wrong_party")))


def _attempts(made: Life, dice: random.Random) -> list[tuple[datetime, str, int]]:
    """An eager sender: at any minute of the year, at the edges of the day, around the changes of the clocks."""
    found = []
    for _ in range(60):
        match dice.randrange(4):
            case 0:
                at = dice.choice(_TURNS) + timedelta(minutes=dice.randrange(3 * 1440))
            case 1:
                hour, minute = dice.choice(_EDGES)
                at = _moment(dice).replace(hour=(hour + dice.choice((4, 5, 6, 7, 8))) % 24, minute=minute)
            case _:
                at = _moment(dice)
        found.append(
            (at, dice.choice(("dun", "dun", "dun", "formal", "early", "any")), dice.randrange(10**6))
        )
    # After a bill falls due, a burst: what budgets are for.
    for bill in made.bills:
        due = datetime(bill.due.year, bill.due.month, bill.due.day, 15, tzinfo=UTC)
        found += [(due + timedelta(days=6, hours=13 * n), "any", dice.randrange(10**6)) for n in range(6)]
    for heard in made.heard:
        for wait in (1, 30, 200, 900):
            found.append((heard.at + timedelta(minutes=wait), f"reply {heard.id}", dice.randrange(10**6)))
        found.append((heard.at + timedelta(minutes=2), f"dun-reply {heard.id}", dice.randrange(10**6)))
    return [attempt for attempt in found if BEGINS <= attempt[0] < BEGINS + timedelta(minutes=MINUTES)]
