"""The gate itself: what it refuses before any rule, who may approve, and who gets a permit."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from agent.policy.digests import facts_digest, facts_record
from agent.policy.document import load_policy
from agent.policy.gate import Gate
from agent.policy.replay import facts_of
from agent.policy.verdict import Allow, Approver, Ask, Refuse
from tests.agent.policy.acts import HIGH, REMINDER, Row, owing, plan_request, policy_with, promise
from tests.agent.policy.cases import ROWS
from tests.builders import (
    NOW,
    a_contact,
    a_dispute,
    a_follow_up,
    a_hold,
    a_message,
    a_promise,
    a_record,
    a_suppression,
    a_touch,
    an_account,
    an_inbound,
    an_invoice,
    drafted,
    facts,
)
from tools.errors import Invalid, Refused
from tools.spec import Action, canonical

POLICY = policy_with(load_policy().text, "assisted")
GATE = Gate(POLICY)
CARLA = Approver("carla", "collector", 500_000)


def refused_by(action: Action, given: object, approver: Approver | None = None) -> str:
    ruling = GATE.rule(action, given, approver)  # type: ignore[arg-type]  # facts, built by the caller
    assert isinstance(ruling.verdict, Refuse), ruling
    return next(finding.rule for finding in ruling.findings if finding.verdict == ruling.verdict)


@pytest.mark.parametrize(
    ("action", "rule"),
    [
        (Action("cust-1", "transfer_money", {}), "UNKNOWN-TOOL"),
        (Action("cust-1", "generate_dunning_message_2", dict(REMINDER.args)), "UNKNOWN-TOOL"),
        (a_message(customer_id="cust-2"), "BAD-ARGUMENTS"),
        (a_message(body="both"), "BAD-ARGUMENTS"),
        (a_record("write_off", amount="10"), "BAD-ARGUMENTS"),
        (Action("cust-12", "read_customer_risk", {"horizon": "late_0d"}), "WRONG-CUSTOMER"),
        (a_record("promise", payments=[{"amount": "1.005", "on": "2026-03-12"}], invoices=[]), "UNREADABLE"),
    ],
)
def test_what_cannot_be_read_is_refused_and_the_refusal_says_what(action: Action, rule: str) -> None:
    assert refused_by(action, facts()) == rule


def test_an_action_that_no_row_speaks_about_is_refused() -> None:
    gate = Gate(POLICY, switched_off={"ROW-REMINDER"})
    assert gate.rule(REMINDER, drafted(REMINDER)).findings[-1].rule == "NOBODY-GRANTS"


def test_an_approval_by_the_right_person_allows_what_was_asked() -> None:
    given = drafted(REMINDER, account=owing(300_000))
    assert GATE.rule(REMINDER, given).verdict == Ask("collector")
    assert GATE.rule(REMINDER, given, CARLA).verdict == Allow()


@pytest.mark.parametrize(
    ("approver", "rule"),
    [
        (Approver("vera", "viewer", 10**9), "APPROVER-ROLE"),
        (Approver("carla", "collector", 10**9), "APPROVER-ROLE"),
        (Approver("mona", "manager", 600_000), "APPROVER-LIMIT"),
        (Approver("ada", "admin", 600_000), "APPROVER-LIMIT"),
        (Approver("paul", "admin", 10**9), "APPROVER-SELF"),
    ],
)
def test_an_approval_by_the_wrong_person_is_refused_with_its_reason(approver: Approver, rule: str) -> None:
    given = facts(account=owing(600_001), proposer="paul")
    assert refused_by(plan_request(3), given, approver) == rule


def test_nobody_approves_what_is_refused() -> None:
    given = drafted(REMINDER, account=an_account(suppressions=[a_suppression()]))
    assert refused_by(REMINDER, given, Approver("ada", "admin", 10**12)) == "TO-SUPPRESSED"


def test_an_approved_message_still_waits_for_the_hours_of_contact() -> None:
    night = facts().now.replace(hour=4)
    verdict = GATE.rule(REMINDER, drafted(REMINDER, risk=HIGH, now=night), CARLA).verdict
    assert isinstance(verdict, Allow)
    assert verdict.not_before is not None


def test_the_strictest_finding_wins_and_every_finding_is_kept() -> None:
    given = drafted(REMINDER, risk=HIGH, account=an_account(holds=[a_hold()]))
    ruling = GATE.rule(REMINDER, given)
    assert isinstance(ruling.verdict, Refuse)
    assert {"ROW-REMINDER", "ROW-TIER", "STOP-HOLD"} <= {finding.rule for finding in ruling.findings}


def test_a_permit_names_exactly_the_action_and_only_an_allowed_one() -> None:
    ruling = GATE.rule(REMINDER, drafted(REMINDER))
    permit = GATE.permit(ruling, REMINDER, decision_id=7, episode_id="ep-1")
    assert (permit.decision_id, permit.customer_id, permit.digest) == (7, "cust-1", REMINDER.digest)
    asked = GATE.rule(REMINDER, drafted(REMINDER, risk=HIGH))
    with pytest.raises(Refused, match="tier high"):
        GATE.permit(asked, REMINDER, decision_id=7, episode_id="ep-1")


@pytest.mark.parametrize(
    ("action", "minor", "kind"),
    [
        (REMINDER, 100_000, "send"),
        (a_message(purpose="formal_notice", template="formal_notice"), 100_000, "legal"),
        (promise(("10.50", 1), ("20", 2)), 3_050, "promise"),
        (plan_request(3), 100_000, "plan"),
        (a_record("dispute", reason="price", invoices=[], amount="12.30", quote="q"), 1_230, "dispute"),
        (a_record("concession_request", quote="q"), 100_000, "concession"),
        (a_record("credit_hold_recommendation", reason="r"), 100_000, "credit_hold"),
        (a_record("contact_change", quote="q"), 0, "contact_change"),
        (a_record("note", text="t"), 0, "record"),
        (a_follow_up(), 0, "follow_up"),
    ],
)
def test_an_approval_knows_its_amount_and_its_kind(action: Action, minor: int, kind: str) -> None:
    given = drafted(action) if action.tool == "generate_dunning_message" else facts()
    assert (GATE.amount_of(action, given), GATE.kind_of(action)) == (minor, kind)


def test_an_unreadable_action_has_no_amount() -> None:
    with pytest.raises(Invalid):
        GATE.amount_of(Action("cust-1", "nothing", {}), facts())


BASE = an_account(invoices=[an_invoice(), an_invoice(id="inv-2")])


@pytest.mark.parametrize(
    ("moved", "voids"),
    [
        (replace(BASE, invoices=[an_invoice(balance_minor=1), an_invoice(id="inv-2")]), True),
        (
            replace(BASE, invoices=[an_invoice(), an_invoice(id="inv-2", balance_minor=1)]),
            False,
        ),  # not what it is about
        (replace(BASE, invoices=[an_invoice(id="inv-2")]), True),
        (replace(BASE, holds=[a_hold()]), True),
        (replace(BASE, disputes=[a_dispute()]), True),
        (replace(BASE, promises=[a_promise()]), True),
        (replace(BASE, suppressions=[a_suppression()]), True),
        (replace(BASE, payments_pending_minor=1), True),
        (replace(BASE, customer=replace(BASE.customer, do_not_contact=True)), True),
        (replace(BASE, customer=replace(BASE.customer, owner="vera")), False),
        (replace(BASE, contacts=[a_contact(address="elsewhere@quillfeather.example")]), True),
        (replace(BASE, touches=[a_touch()]), False),
    ],
)
def test_the_digest_changes_exactly_with_what_voids_an_approval(moved: object, voids: bool) -> None:
    before = facts_digest(drafted(REMINDER, account=BASE), REMINDER)
    later = drafted(REMINDER, account=moved, now=facts().now.replace(day=11), inbound=an_inbound())
    assert (facts_digest(later, REMINDER) != before) is voids


def test_the_record_of_the_facts_is_json_without_personal_data() -> None:
    contact = a_contact(name="Odalys Brambleworth", address="odalys@quillfeather.example")
    staged = [a_record("hardship", quote="my words")]
    given = drafted(
        REMINDER, account=an_account(contacts=[contact]), inbound=an_inbound(body="my words"), staged=staged
    )
    record = canonical(facts_record(given, POLICY))
    for told in ("Odalys", "odalys", "Quillfeather", "my words", "Hello", "2026-0117"):
        assert told not in record
    assert '"balance_minor":100000' in record
    assert '"zones":["America/Chicago"]' in record


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.rule}: {row.says}")
def test_a_verdict_is_replayed_from_its_record_alone(row: Row) -> None:
    policy = policy_with(load_policy().text, row.mode, profile=row.profile)
    gate, stored = Gate(policy), json.loads(json.dumps(facts_record(row.facts, policy)))
    assert gate.rule(row.action, facts_of(stored)) == gate.rule(row.action, row.facts)


def test_of_two_queued_messages_the_first_leaves_and_the_second_waits_for_it() -> None:
    """Neither puts the other off for ever."""
    tomorrow = a_touch(outbox_id=2, at=NOW + timedelta(days=1), state="queued")
    first = drafted(REMINDER, account=an_account(touches=[tomorrow]), outbox_id=1)
    assert GATE.rule(REMINDER, first).verdict == Allow()
    gone = a_touch(outbox_id=1, at=NOW, state="sent")
    second = drafted(REMINDER, account=an_account(touches=[gone]), outbox_id=2, now=NOW + timedelta(hours=3))
    assert GATE.rule(REMINDER, second).verdict == Allow(NOW + timedelta(days=1))
