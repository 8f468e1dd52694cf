"""The checker: what the rules of contact forbid, worked out anew from a life and what left. No product code decides here.

Each rule is a function of the life, of what left before, and of one message at one instant.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from tests.agent.policy.year.places import STATES, C, E, home
from tests.agent.policy.year.seen import DUNS, Seen, at_once, in_hours, wished

_ANSWERS = {"acknowledgement", "opt_out_confirmation", "condolence", "crisis"}
_GRAVE = {"representation", "deceased", "safety", "fraud_claim", "wrong_party"}
_GRAVE_WORDS = {"opt_out", "wrong_party", "deceased", "representation"}
_NYC = {"100", "101", "102", "103", "104", "110", "111", "112", "113", "114", "116"}


def _hours(seen: Seen) -> bool:
    if at_once(seen):
        return False
    wish, zones = wished(seen), seen.life.place.zones
    start, end = wish or (8 * 60, 21 * 60)
    if not zones:
        return not in_hours(seen.now.at, E, 12 * 60, 20 * 60)
    if all(in_hours(seen.now.at, zone, start, end) for zone in zones):
        return False
    quarters = (seen.now.at + timedelta(minutes=15 * n) for n in range(96))
    if wish is None and not any(all(in_hours(at, zone, start, end) for zone in zones) for at in quarters):
        return not in_hours(seen.now.at, E, 12 * 60, 20 * 60)  # no hour suits all: the safe window
    return True


def _days_off(seen: Seen) -> bool:
    if not seen.third_party or at_once(seen):
        return False
    november = date(2026, 11, 1)
    thanksgiving = november + timedelta(days=(3 - november.weekday()) % 7 + 21)
    closed = {date(2026, 1, 1), date(2026, 7, 4), date(2026, 12, 25), thanksgiving}
    days = [seen.now.at.astimezone(ZoneInfo(zone)).date() for zone in seen.life.place.zones or (E,)]
    return any(day in closed or day.weekday() == 6 for day in days)


def _day_budget(seen: Seen) -> bool:
    return seen.ours and seen.within(timedelta(days=1)) > 1


def _week_budget(seen: Seen) -> bool:
    return seen.ours and seen.within(timedelta(days=7)) > 3


def _one_reply(seen: Seen) -> bool:
    heard = seen.now.reply_to
    if heard is None or seen.duns or seen.now.approved:
        return False
    return any(m.reply_to == heard and m.purpose not in DUNS for m in seen.sent)


def _opted_out(seen: Seen) -> bool:
    channel = seen.now.channel
    found = [s.what for s in seen.life.silenced if s.at(seen.now.at)]
    reached = [w for w in found if w[0] in (None, channel) and w[1] in (None, f"contact-{channel}")]
    return bool(reached) and not (seen.now.reply_to is not None and seen.now.purpose in _ANSWERS)


def _confirmed_twice(seen: Seen) -> bool:
    since = seen.now.at - timedelta(days=30)
    return seen.now.purpose == "opt_out_confirmation" and any(
        m.purpose == "opt_out_confirmation" and m.at > since for m in seen.sent
    )


def _marked(seen: Seen) -> bool:
    return any(m.at(seen.now.at) for m in seen.life.marked)


def _held(seen: Seen) -> bool:
    holds = [h.what for h in seen.life.holds if h.at(seen.now.at)]
    if any(reason in _GRAVE for reason, _ in holds) and seen.now.purpose not in _ANSWERS:
        return True
    return seen.duns and any(ids is None or set(ids) & set(seen.now.invoices) for _, ids in holds)


def _said(seen: Seen) -> bool:
    heard = seen.now.reply_to
    if heard is None or not heard.signals or seen.now.purpose in _ANSWERS:
        return False
    return seen.duns or not seen.now.approved or bool(heard.signals & _GRAVE_WORDS)


def _disputed(seen: Seen) -> bool:
    named = set(seen.now.invoices)
    return seen.duns and any(named & set(d.what) for d in seen.life.disputes if d.at(seen.now.at))


def _promised(seen: Seen) -> bool:
    wait = timedelta(days=6 if seen.life.pays_by_mail else 1)
    today = seen.now.at.astimezone(ZoneInfo(C)).date()  # the company's calendar
    return seen.duns and any(p.at(seen.now.at) and today < p.what + wait for p in seen.life.promises)


def _planned(seen: Seen) -> bool:
    return seen.duns and any(p.at(seen.now.at) for p in seen.life.plans)


def _pending(seen: Seen) -> bool:
    return seen.duns and any(p.at(seen.now.at) for p in seen.life.pending)


def _settled(seen: Seen) -> bool:
    today = seen.now.at.astimezone(ZoneInfo(C)).date()
    paid = {b.id for b in seen.life.bills if b.paid is not None and b.paid <= today}
    return seen.duns and bool(paid & set(seen.now.invoices))


def _not_due(seen: Seen) -> bool:
    today = seen.now.at.astimezone(ZoneInfo(C)).date()
    early = {b.id for b in seen.life.bills if today <= b.due}
    return seen.now.purpose in ("reminder", "formal_notice") and bool(early & set(seen.now.invoices))


def _stale(seen: Seen) -> bool:
    limit = timedelta(minutes=15) if seen.life.connector else timedelta(days=7)
    return seen.now.purpose not in _ANSWERS and seen.now.at - seen.now.read > limit


def _sms_for_others(seen: Seen) -> bool:
    return seen.third_party and seen.now.channel == "sms"


def _sms_consent(seen: Seen) -> bool:
    granted = seen.life.consents["sms"] in ("granted", "implied")
    return seen.now.channel == "sms" and not granted and seen.ours and not seen.now.approved


def _repeated(seen: Seen) -> bool:
    now = seen.now
    if not seen.duns or now.step is None:
        return False
    return any(m.step == now.step and m.anchor in now.invoices for m in seen.sent if m.step is not None)


def _dunned_in_answer(seen: Seen) -> bool:
    return seen.duns and seen.now.reply_to is not None


def _lives_in(seen: Seen, state: str) -> bool:
    """It is their state, or nobody knows and one of its zones is among theirs."""
    code, zones = home(seen.life.place.region), seen.life.place.zones
    if code is not None:
        return code == state
    return not zones or bool(set(zones) & set(STATES[state]))


def _person(seen: Seen) -> bool:
    return seen.life.kind != "business"


def _in_city(seen: Seen) -> bool:
    in_force = seen.now.at.astimezone(ZoneInfo(C)).date() >= date(2026, 9, 1)
    return in_force and _lives_in(seen, "NY") and (seen.life.postal is None or seen.life.postal in _NYC)


def _in_capital(seen: Seen) -> bool:
    today = seen.now.at.astimezone(ZoneInfo(C)).date()
    open_ = [b.due for b in seen.life.bills if b.paid is None or today < b.paid]
    known = [due for due in open_ if due - timedelta(days=30) <= today]
    return _lives_in(seen, "DC") and any((today - due).days > 30 for due in known)


def _state_hours(seen: Seen) -> bool:
    if not _person(seen) or at_once(seen) or wished(seen) is not None:
        return False
    asked: list[tuple[Sequence[str], int, int]] = []
    if seen.now.channel == "sms":
        asked += [(STATES["FL"], 480, 1260)] if _lives_in(seen, "FL") else []
        asked += [((E,), 480, 1260)] if _lives_in(seen, "MA") else []
        asked += [(STATES["OK"], 480, 1200)] if _lives_in(seen, "OK") else []
    if seen.third_party and _lives_in(seen, "WA"):
        asked.append((STATES["WA"], 450, 1260))
    for zones, start, end in asked:
        there = [zone for zone in zones if zone in seen.life.place.zones] or zones
        if not all(in_hours(seen.now.at, zone, start, end) for zone in there):
            return True
    return False


def _state_budget(seen: Seen) -> bool:
    if not _person(seen) or not seen.ours:
        return False
    week = timedelta(days=7)
    massachusetts = _lives_in(seen, "MA") and seen.now.channel == "sms" and seen.within(week, ("sms",)) > 2
    return massachusetts or (_in_city(seen) and seen.within(week) > 3)


def _state_consent(seen: Seen) -> bool:
    if not _person(seen) or not seen.ours or seen.life.consents[seen.now.channel] == "granted":
        return False
    new_york = seen.third_party and seen.now.channel == "email" and _lives_in(seen, "NY")
    return new_york or _in_city(seen) or _in_capital(seen)


@dataclass(frozen=True)
class Check:
    """One rule of contact: what it says, where it comes from, which rule of the product it watches."""

    says: str
    source: str
    watches: tuple[str, ...]  # with these switched off it breaks: one rule, or two that guard the same
    forbids: Callable[[Seen], bool]


CHECKS: dict[str, Check] = {
    "hours": Check("8 to 21 in every zone they may be in, or their own hours; unknown: the safe window", "12 CFR 1006.6(b)(1)", ("TIME-WINDOW",), _hours),
    "days off": Check("not on a Sunday or a public holiday, where the tenant says so", "policy.toml window.days_off", ("TIME-WINDOW",), _days_off),
    "day budget": Check("at most 1 of our own accord in 24 hours, all channels", "policy.md 6", ("TIME-BUDGET",), _day_budget),
    "week budget": Check("at most 3 of our own accord in 7 days, all channels", "policy.md 6", ("TIME-BUDGET",), _week_budget),
    "one reply": Check("one automated reply to a message", "policy.md 6", ("TIME-ONE-REPLY",), _one_reply),
    "opt-out": Check("nothing after an opt-out or a wrong party but the answer to it", "47 CFR 64.1200(a)(10)", ("TO-SUPPRESSED",), _opted_out),
    "one confirmation": Check("an opt-out is confirmed once", "47 CFR 64.1200(a)(12)", ("STOP-ONCE",), _confirmed_twice),
    "do not contact": Check("nothing where the ledger says so", "policy.md 4", ("TO-DO-NOT-CONTACT",), _marked),
    "hold": Check("no dunning of what is held; a grave hold leaves only its acknowledgement", "policy.md 4", ("STOP-HOLD",), _held),
    "stop in the words": Check("the answer to a stop is its acknowledgement, or a person's", "policy.md 4", ("STOP-SIGNAL", "STOP-HOLD"), _said),
    "dispute": Check("no dunning of what is disputed", "policy.md 4", ("STOP-DISPUTE",), _disputed),
    "promise": Check("no dunning until the day after a promised date, and the float", "policy.md 4", ("STOP-PROMISE",), _promised),
    "plan": Check("no dunning while a plan runs", "policy.md 4", ("STOP-PLAN",), _planned),
    "payment pending": Check("no dunning while a payment is on its way", "policy.md 6", ("STOP-PENDING",), _pending),
    "paid": Check("no dunning of what is paid", "policy.md 6", ("MSG-INVOICES",), _settled),
    "not due": Check("no reminder before the due date has passed", "policy.md 7", ("MSG-DUE",), _not_due),
    "stale": Check("nothing on ledger facts older than the limit", "policy.md 6", ("STOP-STALE",), _stale),
    "third-party SMS": Check("who collects for others sends no SMS", "compliance.md 0.1", ("TO-THIRD-PARTY-SMS",), _sms_for_others),
    "SMS consent": Check("no SMS of our own accord without consent, unless a person decides", "compliance.md 3RD-2", ("TO-SMS-CONSENT",), _sms_consent),
    "step repeated": Check("no step twice for an invoice", "policy.md 7", ("LADDER-REPEAT",), _repeated),
    "dunned in answer": Check("a reminder is no answer", "policy.md 5.6", ("MSG-ONE",), _dunned_in_answer),
    "place hours": Check("the hours of Florida, Massachusetts, Washington, Oklahoma", "compliance.md 2", ("PLACE-WINDOW",), _state_hours),
    "place budget": Check("the weekly limits of Massachusetts and New York City", "compliance.md 2", ("PLACE-BUDGET",), _state_budget),
    "place consent": Check("consent in New York (City, third parties) and the District of Columbia", "compliance.md 2", ("PLACE-CONSENT",), _state_consent),
}  # fmt: skip


def broken(seen: Seen) -> list[str]:
    """The rules that this message would break if it left at this instant."""
    return [name for name, check in CHECKS.items() if check.forbids(seen)]
