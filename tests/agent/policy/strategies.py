"""Hypothesis strategies: any tool call a model could make, and any account a ledger could hold."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from agent.policy.verdict import Facts, Risk
from tests.builders import (
    CUSTOMER,
    NOW,
    TODAY,
    a_contact,
    a_customer,
    a_dispute,
    a_draft,
    a_hold,
    a_message,
    a_plan,
    a_promise,
    a_record,
    a_reply,
    a_step,
    a_suppression,
    a_touch,
    an_account,
    an_inbound,
    an_invoice,
    facts,
)
from tools.dunning.generate_dunning_message import GenerateDunningMessage
from tools.spec import Action

IDS = st.sampled_from(["inv-1", "inv-2", "inv-3"])
HOLDS = st.sampled_from(
    ["dispute", "payment_claim", "fraud_claim", "representation", "deceased", "safety", "hardship", "wrong_party",
     "complaint", "person_asked", "unclear"]
)  # fmt: skip
SIGNALS = st.sampled_from(
    ["opt_out", "opt_out_elsewhere", "wrong_party", "deceased", "representation", "fraud_claim", "dispute", "payment_claim", "hardship",
     "escalation", "volcano"]
)  # fmt: skip
ZONES = (
    "America/New_York",
    "America/Chicago",
    "America/Phoenix",
    "Pacific/Honolulu",
    "America/St_Johns",
    "Europe/London",
)
_TEXT = st.text(min_size=1, max_size=20)
_DAYS = st.dates(date(2026, 1, 1), date(2027, 12, 31))
_AMOUNT = st.from_regex(r"[0-9]{1,6}(\.[0-9]{1,2})?", fullmatch=True)
_TEMPLATES = {
    "reminder": ["reminder_1", "reminder_2"], "early_notice": ["early_notice"], "reply": ["balance_reply", "clarify"],
    "acknowledgement": ["dispute_ack", "hold_ack", "promise_ack", "wrong_party_ack", "hardship_ack", "person_ack"],
    "receipt": ["receipt"], "plan_offer": ["plan_offer"], "formal_notice": ["formal_notice"],
    "opt_out_confirmation": ["opt_out_confirmation", "opt_out_elsewhere"], "condolence": ["condolence"], "crisis": ["crisis"],
}  # fmt: skip
_GARBAGE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def messages(draw: st.DrawFn) -> Action:
    """A well-formed message, by template or in free words."""
    purpose = draw(st.sampled_from(sorted(_TEMPLATES)))
    template = draw(st.sampled_from([*_TEMPLATES[purpose], None]))
    args = {
        "purpose": purpose, "channel": draw(st.sampled_from(["email", "sms"])),
        "invoices": draw(st.lists(IDS, max_size=3, unique=True)), "tone": draw(st.sampled_from(["friendly", "direct"])),
        "offer": draw(st.none() | st.just("plan-1")), "template": template,
        "body": None if template else draw(_TEXT),
    }  # fmt: skip
    return Action(CUSTOMER, "generate_dunning_message", args)


def fitting() -> st.SearchStrategy[Action]:
    """Messages that a healthy account gets at once: where one of these is stopped, one restriction stopped it."""
    channels = st.sampled_from(["email", "sms"])
    reminder = channels.map(lambda channel: a_message(channel=channel, invoices=["inv-1", "inv-2", "inv-3"]))
    answers = st.sampled_from(
        [
            ("balance_reply", "reply"),
            ("smalltalk_ack", "acknowledgement"),
            ("plan_offer", "plan_offer"),
        ]
    )
    reply = st.builds(
        lambda channel, named: a_reply(*named, channel=channel, offer="plan-1"), channels, answers
    )
    return reminder | reply


def partial() -> st.SearchStrategy[Action]:
    """Reminders of some of the invoices that are due, or at another step: what a restriction could make fit."""
    steps = st.sampled_from(["reminder_1", "reminder_2"])
    named = st.lists(IDS, min_size=1, max_size=2, unique=True)
    return st.builds(lambda step, invoices: a_message(template=step, invoices=invoices), steps, named)


@st.composite
def records(draw: st.DrawFn) -> Action:
    """A well-formed record of any kind."""
    invoices, quote = draw(st.lists(IDS, max_size=2, unique=True)), draw(_TEXT)
    payments = draw(
        st.lists(st.fixed_dictionaries({"amount": _AMOUNT, "on": _DAYS.map(str)}), min_size=1, max_size=3)
    )
    kinds: dict[str, dict[str, Any]] = {
        "promise": {"payments": payments, "invoices": invoices},
        "plan_request": {
            "instalments": draw(st.integers(2, 24)), "every": draw(st.sampled_from(["week", "fortnight", "month"])),
            "first_on": draw(st.none() | st.dates().map(str)), "invoices": invoices, "offer": draw(st.none() | st.just("plan-1")),
        },
        "dispute": {"reason": "quality", "invoices": invoices, "amount": draw(st.none() | _AMOUNT), "quote": quote},
        "payment_claim": {"invoices": invoices, "quote": quote},
        "opt_out": {"scope": draw(st.sampled_from(["this_channel", "sms", "email", "all"])), "quote": quote},
        "representation": {"basis": "attorney", "quote": quote},
        "credit_hold_recommendation": {"reason": quote}, "note": {"text": quote},
        "preference": {"about": "hours", "quote": quote},
        "escalation": {"why": draw(st.sampled_from(["self_harm", "unsure", "complaint"])), "quote": None},
        **{kind: {"quote": quote} for kind in ("contact_change", "hardship", "deceased", "fraud_claim", "wrong_party", "concession_request")},
    }  # fmt: skip
    kind = draw(st.sampled_from(sorted(kinds)))
    return a_record(kind, **kinds[kind])


@st.composite
def follow_ups(draw: st.DrawFn) -> Action:
    """A well-formed follow-up."""
    on = draw(st.none() | _DAYS.map(str))
    args = {
        "kind": draw(st.sampled_from(["message", "check_promise", "call_task", "review"])), "on": on,
        "in_days": None if on else draw(st.integers(0, 90)), "reason": "look again",
    }  # fmt: skip
    return Action(CUSTOMER, "schedule_follow_up", args)


def looks() -> st.SearchStrategy[Action]:
    """A well-formed look at the risk."""
    return st.just(Action(CUSTOMER, "read_customer_risk", {"horizon": "late_7d"}))


def well_formed() -> st.SearchStrategy[Action]:
    """Any call that its tool's arguments accept."""
    return st.one_of(messages(), records(), follow_ups(), looks())


@st.composite
def garbage(draw: st.DrawFn) -> Action:
    """A call with any tool name and any arguments, or a well-formed one with one argument spoilt."""
    action = draw(well_formed())
    tool = draw(
        st.sampled_from(
            [action.tool, "generate_dunning_message", "transfer_money", "", "log_collection_activity"]
        )
    )
    args = {**action.args, draw(st.sampled_from([*action.args, "customer_id", "to"])): draw(_GARBAGE)}
    return Action(
        draw(st.sampled_from([CUSTOMER, "cust-12", ""])),
        tool,
        draw(st.just(args) | st.dictionaries(_TEXT, _GARBAGE, max_size=3)),
    )


@st.composite
def accounts(draw: st.DrawFn) -> Any:
    """Any account: held, disputed, suppressed, paid, in another currency, of unknown age."""
    instants = st.integers(0, 40 * 24).map(lambda hours: NOW - timedelta(hours=hours))

    def few(strategy: st.SearchStrategy[Any]) -> list[Any]:
        # Mostly none: an account with every trouble at once is refused for all of them and proves nothing.
        return draw(st.lists(strategy, max_size=2)) if draw(st.integers(0, 4)) == 0 else []

    customer = a_customer(
        currency=draw(st.sampled_from(["USD", "USD", "USD", "JPY", "XXL"])), do_not_contact=draw(st.integers(0, 9)) == 0,
        status=draw(st.sampled_from(["active"] * 8 + ["inactive", "erased"])), hold_reason=draw(st.sampled_from([None] * 9 + ["x"])),
        time_zone=draw(st.sampled_from([None, *ZONES, "Mars/Olympus"])), region=draw(st.sampled_from([None, "IL", "TX", "HI", "ZZ"])),
        segment=draw(st.sampled_from(["default", "unlisted"])),
    )  # fmt: skip
    invoice = st.builds(
        lambda identity, late, minor, state: an_invoice(id=identity, days_late=late, balance_minor=minor, ledger_state=state),
        IDS, st.integers(-40, 90), st.integers(1, 1_500_000), st.sampled_from(["open", "open", "open", "unknown"]),
    )  # fmt: skip
    invoices = sorted(
        {i.id: i for i in draw(st.lists(invoice, max_size=3))}.values(), key=lambda i: str(i.due_date)
    )
    hours = st.sampled_from(
        [None, None, {"start": "09:00", "end": "12:00"}, {"start": "22:00", "end": "02:00"}, {"start": "?"}]
    )
    contact = st.builds(
        lambda channel, seen, consent, out, hours, shared: a_contact(
            channel=channel, verified_at=seen, consent=consent, opted_out_at=out, quiet_hours=hours, shared=shared
        ),
        st.sampled_from(["email", "sms"]), st.sampled_from([NOW, NOW, None]), st.sampled_from(["granted", "granted", "unknown", "denied"]),
        st.sampled_from([None, None, None, NOW]), hours, st.sampled_from([False, False, True]),
    )  # fmt: skip
    return an_account(
        customer=customer, invoices=invoices, contacts=list({c.id: c for c in draw(st.lists(contact, max_size=2))}.values()),
        holds=few(st.builds(lambda reason, ids, at: a_hold(reason, invoice_ids=ids, placed_at=at), HOLDS, st.none() | st.lists(IDS, max_size=2), instants)),
        disputes=few(st.builds(lambda ids: a_dispute(invoice_ids=ids), st.lists(IDS, max_size=2))),
        promises=few(st.builds(lambda due, state: a_promise(due_date=due, state=state), _DAYS, st.sampled_from(["open", "broken"]))),
        plans=few(st.builds(lambda state: a_plan(state=state), st.sampled_from(["offered", "active", "defaulted"]))),
        suppressions=few(suppressions()),
        touches=few(st.builds(lambda at, reply, purpose: a_touch(at=at, reply_to=reply, purpose=purpose, outbox_id=2), instants, st.none() | st.integers(1, 12), st.sampled_from(["reminder", "acknowledgement"]))),
        ladder=few(st.builds(lambda step, anchor: a_step(step, anchor_invoice_id=anchor), st.sampled_from(["reminder_1", "early_notice"]), IDS)),
        payments_pending_minor=draw(st.sampled_from([0, 0, 0, 5])), ledger_as_of=draw(st.sampled_from([NOW, NOW, NOW, None])),
    )  # fmt: skip


def suppressions() -> st.SearchStrategy[Any]:
    """Any suppression."""
    return st.builds(
        lambda channel, contact, reason: a_suppression(channel=channel, contact_id=contact, reason=reason),
        st.sampled_from([None, "email", "sms"]), st.sampled_from([None, "contact-email", "contact-sms"]),
        st.sampled_from(["opt_out", "wrong_party", "bounced", "complaint"]),
    )  # fmt: skip


@st.composite
def any_facts(draw: st.DrawFn, action: Action) -> Facts:
    """Facts on any account, with a clean draft where the action is a message that has one."""
    inbound = draw(
        st.none()
        | st.builds(
            lambda signals, channel, replies: an_inbound(
                signals=frozenset(signals), channel=channel, contact_id=f"contact-{channel}", replies=replies
            ),
            st.lists(SIGNALS, max_size=2), st.sampled_from(["email", "sms"]), st.sampled_from([0, 0, 1]),
        )
    )  # fmt: skip
    now = draw(instants())
    account = draw(accounts() | st.just(healthy_facts(action).account))
    read = now if account.ledger_as_of else None
    return facts(
        account=replace(account, now=now, ledger_as_of=read), inbound=inbound, draft=_draft(action), trigger="inbound" if inbound else draw(st.sampled_from(["ladder", "ledger"])),
        risk=Risk(draw(st.sampled_from(["low", "medium", "high", "unscored"])), None), now=now,
    )  # fmt: skip


def healthy_facts(action: Action) -> Facts:
    """Facts on a healthy account that asked, unless the action is dunning."""
    dunning = action.args.get("purpose") in ("reminder", "early_notice", "formal_notice")
    account = an_account(
        invoices=[an_invoice(id=f"inv-{n}", balance_minor=50_000) for n in (1, 2, 3)],
        plans=[] if dunning else [a_plan(state="offered")],
    )
    return facts(account=account, draft=_draft(action), inbound=None if dunning else an_inbound(channel=action.args.get("channel", "email"), contact_id=f"contact-{action.args.get('channel', 'email')}"))  # fmt: skip


@st.composite
def timed_facts(draw: st.DrawFn, action: Action) -> Facts:
    """Healthy facts anywhere, at any hour, with any touches behind them and perhaps a wish of the customer."""
    now, healthy = draw(instants()), healthy_facts(action)
    zone, region = (
        draw(st.sampled_from([None, None, *ZONES])),
        draw(st.sampled_from([None, "TX", "HI", "AK", "AZ", "FL"])),
    )
    phone = draw(st.sampled_from(["+13125550142", "+18504321234", "+18005551234", "+18085551234", "12"]))
    wish = draw(
        st.sampled_from([None, None, {"start": "06:00", "end": "09:30"}, {"start": "22:00", "end": "02:00"}])
    )
    ago = draw(st.lists(st.integers(0, 10 * 24), max_size=4))
    account = replace(
        healthy.account, now=now, ledger_as_of=now, customer=a_customer(time_zone=zone, region=region),
        contacts=[a_contact(quiet_hours=wish), a_contact(channel="sms", address=phone, quiet_hours=wish)],
        touches=[a_touch(at=now - timedelta(hours=hours), outbox_id=n) for n, hours in enumerate(ago)],
    )  # fmt: skip
    inbound = (
        replace(healthy.inbound, at=now - timedelta(minutes=draw(st.integers(0, 200))))
        if healthy.inbound
        else None
    )
    return replace(healthy, account=account, now=now, inbound=inbound)


def instants() -> st.SearchStrategy[datetime]:
    """Any minute of the day before and of the two changes of summer time that year, and of today."""
    days = st.sampled_from([date(2026, 3, 7), date(2026, 3, 8), date(2026, 10, 31), date(2026, 11, 1), TODAY])
    return st.builds(
        lambda day, minute: datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minute),
        days,
        st.integers(0, 2 * 1440),
    )


def _draft(action: Action) -> Any:
    if action.tool != "generate_dunning_message":
        return None
    try:
        GenerateDunningMessage.model_validate(dict(action.args))
    except ValueError:
        return None
    return a_draft(action.args)
