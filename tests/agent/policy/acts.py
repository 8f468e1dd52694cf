"""What the table of verdicts is made of: actions, customers, instants, and how a row puts them together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from agent.policy.document import Policy, parse_policy
from agent.policy.verdict import Allow, Ask, Facts, Refuse, Risk, Verdict
from tests.builders import (
    NOW,
    TODAY,
    a_contact,
    a_customer,
    a_message,
    a_record,
    a_reply,
    a_touch,
    an_account,
    an_inbound,
    an_invoice,
    drafted,
    facts,
)
from tools.spec import Action

COLLECTOR, MANAGER, GO = Ask("collector"), Ask("manager"), Allow()
NO = Refuse("")  # compared by kind: the sentence is the rule's
QUOTE = "in my own words"


def policy_with(text: str, mode: str, *, profile: str = "first_party") -> Policy:
    """The packaged policy with its default segment in another mode, and every state's and city's row switched on."""
    changed = (
        text.replace('mode = "draft"', f'mode = "{mode}"', 1)
        .replace('profile = "first_party"', f'profile = "{profile}"', 1)
        .replace("\non = false", "\non = true")
    )
    return parse_policy(changed)


@dataclass(frozen=True)
class Row:
    """One row: `rule` is the one that decides it, and must change the verdict when it is switched off."""

    rule: str
    says: str
    action: Action
    facts: Facts
    verdict: Verdict
    mode: str = "assisted"
    profile: str = "first_party"


def a_row(
    rule: str,
    says: str,
    action: Action,
    verdict: Verdict,
    *,
    mode: str = "assisted",
    profile: str = "first_party",
    **given: Any,
) -> Row:
    """A row of these facts; a message comes with the draft that it would be."""
    message = action.tool == "generate_dunning_message"
    return Row(
        rule, says, action, drafted(action, **given) if message else facts(**given), verdict, mode, profile
    )


REMINDER = a_message()
SMS = a_message(channel="sms")
REPLY = a_reply()
FREE_REPLY = a_reply(None)
ACK = a_reply("dispute_ack", "acknowledgement")
CONFIRM = a_reply("opt_out_confirmation", "opt_out_confirmation")
ELSEWHERE = a_reply("opt_out_elsewhere", "opt_out_confirmation")
CONFIRMED = a_reply("plan_confirmed", "acknowledgement", offer="plan-1")
CONDOLENCE = a_reply("condolence", "condolence")
CRISIS = a_reply("crisis", "crisis")
RECEIPT = a_reply("receipt", "receipt")
EARLY = a_message(purpose="early_notice", template="early_notice")
FORMAL = a_message(purpose="formal_notice", template="formal_notice", tone="formal")
OFFER = a_reply("plan_offer", "plan_offer", offer="plan-1")


def promise(*payments: tuple[str, int], invoices: Sequence[str] = ()) -> Action:
    """A promise of those amounts in so many days."""
    made = [{"amount": amount, "on": str(TODAY + timedelta(days=days))} for amount, days in payments]
    return a_record("promise", payments=made, invoices=list(invoices))


def plan_request(
    count: int, every: str = "month", *, offer: str | None = None, first_on: str | None = None
) -> Action:
    """A request to pay all that is overdue in parts."""
    return a_record(
        "plan_request", instalments=count, every=every, first_on=first_on, invoices=[], offer=offer
    )


def owing(minor: int, **given: Any) -> Any:
    """An account with one overdue invoice of that balance."""
    return an_account(invoices=[an_invoice(balance_minor=minor, total_minor=minor)], **given)


def signal(*kinds: str, **given: Any) -> Any:
    """A message of the customer that carries those signals."""
    return an_inbound(signals=frozenset(kinds), **given)


UPCOMING = an_account(invoices=[an_invoice(days_late=-5)])
HIGH, MEDIUM, UNSCORED = Risk("high", 0.8), Risk("medium", 0.4), Risk("unscored", None)
NIGHT = datetime(2026, 3, 10, 4, 30, tzinfo=UTC)  # 23:30 the evening before in Chicago
MORNING = datetime(2026, 3, 10, 13, 0, tzinfo=UTC)
ASKED: dict[str, Any] = {"inbound": an_inbound(), "trigger": "inbound"}

EVENING = datetime(
    2026, 3, 11, 1, 30, tzinfo=UTC
)  # 21:30 in New York, 20:30 in Pensacola, 18:30 in Los Angeles
AUTUMN = datetime(2026, 9, 8, 16, 0, tzinfo=UTC)
TWO_SMS = [a_touch(outbox_id=n, channel="sms", at=NOW - timedelta(days=n)) for n in (3, 6)]


def living(region: str | None, **given: Any) -> Any:
    """A consumer who lives there."""
    return a_customer(kind="consumer", region=region, **given)


def autumn(customer: Any) -> Any:
    """Their account in autumn, when New York City's rules are in force; consent was implied, not given."""
    due = AUTUMN.date() - timedelta(days=6)
    return an_account(
        now=AUTUMN, today=AUTUMN.date(), ledger_as_of=AUTUMN, customer=customer,
        contacts=[a_contact(consent="implied")], invoices=[an_invoice(due_date=due)],
    )  # fmt: skip
