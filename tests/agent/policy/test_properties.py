"""What holds for any call on any account (issue 2, issue 5)."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from agent.policy import hours, stops
from agent.policy.document import load_policy
from agent.policy.gate import Gate
from agent.policy.verdict import ROLES, Allow, Approver, Ask, Facts, Refuse, Suggest, Verdict
from tests.agent.policy import strategies
from tests.agent.policy.acts import policy_with
from tests.agent.policy.strategies import (
    HOLDS,
    IDS,
    SIGNALS,
    any_facts,
    fitting,
    garbage,
    healthy_facts,
    messages,
    well_formed,
)
from tests.builders import NOW, a_dispute, a_hold
from tests.proofs import proof_size
from tools.spec import Action

POLICY = policy_with(load_policy().text, "assisted")
GATE = Gate(POLICY)
ANSWERS = {"opt_out_confirmation", "condolence", "crisis", "acknowledgement", "receipt"}
pytestmark = pytest.mark.proof
slow = settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
)


@slow
@given(st.data())
def test_any_call_on_any_account_is_ruled_on_and_none_leaves_where_it_is_forbidden(
    data: st.DataObject,
) -> None:
    """(a) The gate never raises, and what is refused stays so whoever approves."""
    action = data.draw(well_formed() | garbage())
    facts = data.draw(any_facts(action))
    approver = Approver("root", "admin", 10**12)
    for ruling in (GATE.rule(action, facts), GATE.rule(action, facts, approver)):
        assert ruling.findings
        assert not (isinstance(ruling.verdict, Allow) and forbidden(action, facts)), ruling.findings


@slow
@given(st.data())
def test_one_restriction_is_enough_to_stop_what_a_healthy_account_would_get(data: st.DataObject) -> None:
    """(a) again, where nothing else stands in the way."""
    action = data.draw(fitting())
    facts = healthy_facts(action)
    assert GATE.rule(action, facts).verdict == Allow()
    restricted = data.draw(restrictions(facts))
    never = forbidden(action, restricted)
    assume(never or signalled(action, restricted))
    assert not isinstance(GATE.rule(action, restricted).verdict, Allow)
    approved = GATE.rule(action, restricted, Approver("root", "admin", 10**12)).verdict
    assert not (never and isinstance(approved, Allow))


def signalled(action: Action, facts: Facts) -> bool:
    """The customer's message carries a stop, so that without a person only an acknowledgement may answer it."""
    return facts.inbound is not None and bool(facts.inbound.signals) and action.args["purpose"] not in ANSWERS


def forbidden(action: Action, facts: Facts) -> bool:
    """An independent reading of section 4: nothing but a template that answers a stop may leave here."""
    account, draft = facts.account, facts.draft
    if action.tool != "generate_dunning_message" or draft is None:
        return action.tool == "generate_dunning_message"
    if account.customer.do_not_contact or account.customer.status == "erased":
        return True
    answering = action.args["template"] is not None and action.args["purpose"] in ANSWERS
    contact = next((c for c in account.contacts if c.id == draft.contact_id), None)
    silenced = contact is None or contact.opted_out_at is not None or contact.consent == "denied" or any(
        s.channel in (None, draft.channel) and s.contact_id in (None, draft.contact_id) for s in account.suppressions
    )  # fmt: skip
    if silenced and not (answering and facts.inbound is not None):
        return True
    held = any(
        h.invoice_ids is None or set(h.invoice_ids) & set(action.args["invoices"]) for h in account.holds
    )
    disputed = any(set(d.invoice_ids) & set(action.args["invoices"]) for d in account.disputes)
    return (held or disputed) and action.args["purpose"] in ("reminder", "early_notice", "formal_notice")


@slow
@given(st.data())
def test_a_restriction_never_makes_a_verdict_more_permissive(data: st.DataObject) -> None:
    """(b) A hold, dispute, suppression or signal only takes away; only the reviewed answer to it may become possible."""
    action = data.draw(fitting() | strategies.partial() | well_formed())
    facts = data.draw(any_facts(action) | st.just(healthy_facts(action)))
    restricted = data.draw(restrictions(facts))
    gained = stops.in_force(restricted) - stops.in_force(facts)
    assume(not stops.answers(POLICY, gained | stops.said_now(restricted), action.args.get("template")))
    before, after = GATE.rule(action, facts), GATE.rule(action, restricted)
    assert rank(after.verdict) >= rank(before.verdict), (before.findings, after.findings)


@st.composite
def restrictions(draw: st.DrawFn, facts: Facts) -> Facts:
    """The facts with one restriction more."""
    account = facts.account
    match draw(st.sampled_from(["hold", "dispute", "suppression", "signal", "mark"])):
        case "hold":
            hold = a_hold(
                draw(HOLDS), id=99, invoice_ids=draw(st.none() | st.lists(IDS, max_size=2)), placed_at=NOW
            )
            return replace(facts, account=replace(account, holds=[*account.holds, hold]))
        case "dispute":
            dispute = a_dispute(id="d9", invoice_ids=draw(st.lists(IDS, min_size=1, max_size=2)))
            return replace(facts, account=replace(account, disputes=[*account.disputes, dispute]))
        case "suppression":
            return replace(
                facts,
                account=replace(
                    account, suppressions=[*account.suppressions, draw(strategies.suppressions())]
                ),
            )
        case "signal" if facts.inbound is not None:
            return replace(
                facts, inbound=replace(facts.inbound, signals=facts.inbound.signals | {draw(SIGNALS)})
            )
        case _:
            return replace(
                facts, account=replace(account, customer=replace(account.customer, do_not_contact=True))
            )


def rank(verdict: Verdict) -> tuple[int, int]:
    """How much a verdict forbids."""
    match verdict:
        case Allow():
            return 0, 0
        case Ask(role=role):
            return 1, ROLES.index(role)
        case Suggest():
            return 2, 0
        case Refuse():
            return 3, 0


def test_a_fair_share_of_well_formed_calls_on_healthy_accounts_is_allowed() -> None:
    """(c) A gate that refuses everything fails: at least 30 % of what the hostile strategies generate is allowed."""
    verdicts: list[Verdict] = []

    @settings(max_examples=proof_size(test=300, prove=3000), database=None, derandomize=True)
    @given(well_formed())
    def generate(action: Action) -> None:
        verdicts.append(GATE.rule(action, healthy_facts(action)).verdict)

    generate()
    allowed = sum(isinstance(verdict, Allow) for verdict in verdicts) / len(verdicts)
    assert allowed >= 0.30, f"{allowed:.0%} of {len(verdicts)} allowed"


@slow
@given(st.data())
def test_a_message_leaves_inside_the_window_of_every_candidate_zone(data: st.DataObject) -> None:
    """(d) Whatever the zones, the hour, the budget and the change of summer time; at once only what may."""
    action = data.draw(fitting() | messages())
    facts = data.draw(strategies.timed_facts(action))
    ruling = GATE.rule(action, facts, Approver("root", "admin", 10**12))
    if not isinstance(ruling.verdict, Allow):
        return
    inbound, not_before = facts.inbound, ruling.verdict.not_before
    if inbound is not None and not_before is None:
        fresh = inbound.at is not None and facts.now - inbound.at <= timedelta(minutes=60)
        if fresh or action.args["purpose"] in ("opt_out_confirmation", "crisis"):
            return
    at = not_before or facts.now
    assert facts.now <= at < facts.now + timedelta(days=9)
    zones = hours.candidate_zones(facts.account, POLICY.document.window)
    wish = facts.account.contacts[0].quiet_hours or {"start": "08:00", "end": "21:00"}
    start, end = time.fromisoformat(wish["start"]), time.fromisoformat(wish["end"])
    for zone in zones or ("America/New_York",):
        local = at.astimezone(ZoneInfo(zone)).time()
        if zones:
            assert start <= local < end or (end < start and not end <= local < start), (zone, at)
        else:
            assert time(12) <= local < time(20), at
    if inbound is None:
        spent = [touch.at for touch in facts.account.touches if touch.at > at - timedelta(days=7)]
        assert len(spent) < 3
        assert not any(moment > at - timedelta(days=1) for moment in spent)


@slow
@given(st.sets(st.sampled_from(strategies.ZONES), min_size=1, max_size=4), strategies.instants())
def test_the_next_opening_is_the_first_minute_that_suits_all(zones: set[str], now: datetime) -> None:
    """Against a walk through the minutes: nothing open is passed over."""
    windows = [hours.Span(ZoneInfo(zone), time(8), time(21)) for zone in sorted(zones)]
    opens = hours.next_open(now, windows)
    walked = next(
        (
            t
            for n in range(2 * 1440)
            if all(window.holds(t := now + timedelta(minutes=n)) for window in windows)
        ),
        None,
    )
    assert opens == walked
