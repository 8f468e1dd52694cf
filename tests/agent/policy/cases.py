"""The table: one action on one set of facts, and the verdict that policy.md gives. Data for several tests."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from agent.policy.document import Policy, parse_policy
from agent.policy.verdict import Allow, Ask, Facts, Refuse, Risk, Suggest, Verdict
from tests.builders import (
    NOW,
    TODAY,
    a_contact,
    a_customer,
    a_dispute,
    a_follow_up,
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
    drafted,
    facts,
)
from tools.spec import Action

COLLECTOR, MANAGER, GO = Ask("collector"), Ask("manager"), Allow()
NO = Refuse("")  # compared by kind: the sentence is the rule's
QUOTE = "in my own words"


def policy_with(text: str, mode: str, *, profile: str = "first_party") -> Policy:
    """The packaged policy with its default segment in another mode."""
    changed = text.replace('mode = "draft"', f'mode = "{mode}"', 1).replace(
        'profile = "first_party"', f'profile = "{profile}"', 1
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


def _row(
    rule: str,
    says: str,
    action: Action,
    verdict: Verdict,
    *,
    mode: str = "assisted",
    profile: str = "first_party",
    **given: Any,
) -> Row:
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

ROWS: tuple[Row, ...] = (
    # policy.md 2
    _row("MODE-OBSERVE", "observe records a reminder", REMINDER, Suggest(), mode="observe"),
    _row("MODE-OBSERVE", "observe records a promise", promise(("10", 3)), Suggest(), mode="observe"),
    _row("MODE-OBSERVE", "observe records a message follow-up", a_follow_up(), Suggest(), mode="observe"),
    _row("MODE-DRAFT-MESSAGE", "draft asks for a reminder", REMINDER, COLLECTOR, mode="draft"),
    _row("MODE-DRAFT-MESSAGE", "draft asks for a reply", REPLY, COLLECTOR, mode="draft", **ASKED),
    _row("MODE-DRAFT-MESSAGE", "draft asks for an acknowledgement of nothing", a_reply("smalltalk_ack", "acknowledgement"), COLLECTOR, mode="draft", **ASKED),
    _row("MODE-DRAFT-RECORD", "draft asks for a promise", promise(("10", 3)), COLLECTOR, mode="draft"),
    _row("ROW-STATED-FACT", "observe keeps an opt-out", a_record("opt_out", scope="all", quote=QUOTE), GO, mode="observe"),
    _row("ROW-TASK", "observe keeps a task", a_follow_up("call_task"), GO, mode="observe"),
    _row("ROW-CONFIRMATION", "draft confirms an opt-out", CONFIRM, GO, mode="draft", inbound=signal("opt_out")),
    _row("ROW-CONFIRMATION", "draft condoles", CONDOLENCE, GO, mode="draft", inbound=signal("deceased")),
    _row("ROW-CONFIRMATION", "draft answers a crisis", CRISIS, GO, mode="draft", inbound=signal("escalation")),
    _row("ROW-RECEIPT", "draft sends a receipt", RECEIPT, GO, mode="draft", trigger="ledger"),
    _row("ROW-REPLY", "draft acknowledges a dispute", ACK, GO, mode="draft", inbound=signal("dispute")),
    # policy.md 3
    _row("ROW-REMINDER", "a reminder within limits leaves", REMINDER, GO),
    _row("ROW-REMINDER", "medium leaves", REMINDER, GO, risk=MEDIUM),
    _row("ROW-REMINDER", "an unverified contact", REMINDER, COLLECTOR, account=an_account(contacts=[a_contact(verified_at=None)])),
    _row("ROW-REMINDER", "a shared contact", REMINDER, COLLECTOR, account=an_account(contacts=[a_contact(shared=True)])),
    _row("ROW-REMINDER", "free words", a_message(template=None, body="Pay {{balance}}"), COLLECTOR),
    _row("ROW-TIER", "a high-risk customer", a_message(template="reminder_2"), COLLECTOR, risk=HIGH, account=an_account(invoices=[an_invoice(days_late=15)], ladder=[a_step()])),
    _row("ROW-TIER", "first contact with a high-risk customer", REMINDER, COLLECTOR, risk=HIGH),
    _row("ROW-TIER", "unscored at reminder 2", a_message(template="reminder_2"), COLLECTOR, risk=UNSCORED, account=an_account(invoices=[an_invoice(days_late=15)])),
    _row("ROW-REMINDER", "unscored at reminder 1 from its template leaves", REMINDER, GO, risk=UNSCORED),
    _row("ROW-BALANCE", "unscored at reminder 1 above the limit", REMINDER, COLLECTOR, risk=UNSCORED, account=owing(250_001)),
    _row("ROW-REMINDER", "at the limit", REMINDER, GO, account=owing(250_000)),
    _row("ROW-BALANCE", "a cent above the limit", REMINDER, COLLECTOR, account=owing(250_001)),
    _row("ROW-REMINDER", "automatic has the higher limit", REMINDER, GO, mode="automatic", account=owing(1_000_000)),
    _row("ROW-BALANCE", "automatic has a limit", REMINDER, COLLECTOR, mode="automatic", account=owing(1_000_001)),
    _row("ROW-REMINDER", "an early notice to a high-risk customer leaves", EARLY, GO, risk=HIGH, account=UPCOMING),
    _row("ROW-BALANCE", "an early notice above the limit", EARLY, COLLECTOR, risk=HIGH, account=an_account(invoices=[an_invoice(days_late=-5, balance_minor=250_001)])),
    _row("LADDER-STEP", "an early notice to a low-risk customer is no step", EARLY, COLLECTOR, account=UPCOMING),
    _row("ROW-REPLY", "a reply to who asked leaves", REPLY, GO, **ASKED),
    _row("ROW-REPLY", "whatever is owed", REPLY, GO, account=owing(9_000_000), **ASKED),
    _row("ROW-REPLY", "a reply to an unknown sender", REPLY, COLLECTOR, inbound=an_inbound(contact_id=None, identity_matches=False)),
    _row("ROW-REPLY", "a reply to nobody's question", REPLY, COLLECTOR),
    _row("ROW-FREE-TEXT", "free words to a low-risk customer leave", FREE_REPLY, GO, **ASKED),
    _row("ROW-FREE-TEXT", "free words to a high-risk customer", FREE_REPLY, COLLECTOR, risk=HIGH, **ASKED),
    _row("ROW-FREE-TEXT", "free words to an unscored customer", FREE_REPLY, COLLECTOR, risk=UNSCORED, **ASKED),
    _row("ROW-FORMAL", "a formal notice", FORMAL, MANAGER, account=an_account(invoices=[an_invoice(days_late=50)], ladder=[a_step("call_task")])),
    _row("ROW-RECEIPT", "a receipt without a payment", RECEIPT, COLLECTOR, **ASKED),
    _row("ROW-RECEIPT", "a receipt in free words", a_reply(None, "receipt"), NO, trigger="ledger"),
    _row("ROW-CONFIRMATION", "a condolence that nothing calls for", CONDOLENCE, COLLECTOR, **ASKED),
    _row("ROW-CONFIRMATION", "an opt-out confirmation in free words", a_reply(None, "opt_out_confirmation"), NO, **ASKED),
    _row("ROW-PROMISE", "a promise within the balance", promise(("1000.00", 30)), GO),
    _row("ROW-PROMISE", "two payments within 14 days", promise(("500", 1), ("500", 14)), GO),
    _row("ROW-PROMISE", "more than is owed", promise(("1000.01", 3)), COLLECTOR),
    _row("ROW-PROMISE", "in 31 days", promise(("10", 31)), COLLECTOR),
    _row("ROW-PROMISE", "in the past", promise(("10", -1)), NO),
    _row("ROW-PROMISE", "nothing", promise(("0", 1)), NO),
    _row("ROW-PROMISE", "two payments over 15 days are a plan", promise(("500", 1), ("500", 15)), COLLECTOR),
    _row("ROW-PROMISE", "of a size that automatic allows", promise(("500", 1), ("500", 15)), GO, mode="automatic"),
    _row("RECORD-INVOICES", "a promise on somebody else's invoice", promise(("10", 3), invoices=["inv-9"]), NO),
    _row("ROW-PLAN", "a plan in assisted", plan_request(3), COLLECTOR),
    _row("ROW-PLAN", "a small plan in automatic", plan_request(3), GO, mode="automatic"),
    _row("ROW-PLAN", "a small plan over too long", plan_request(5), COLLECTOR, mode="automatic"),
    _row("ROW-PLAN", "a small plan with high risk", plan_request(3), COLLECTOR, mode="automatic", risk=HIGH),
    _row("ROW-PLAN", "above the automatic limit", plan_request(3), COLLECTOR, mode="automatic", account=owing(150_001)),
    _row("ROW-PLAN", "at the collector's limit", plan_request(3), COLLECTOR, account=owing(500_000)),
    _row("ROW-PLAN", "above the collector's limit", plan_request(3), MANAGER, account=owing(500_001)),
    _row("ROW-PLAN", "an approved offer is accepted", plan_request(2, offer="plan-1"), GO, account=an_account(plans=[a_plan(state="offered")])),
    _row("ROW-PLAN", "a plan that was approved but never sent is not accepted", plan_request(2, offer="plan-1"), NO, account=an_account(plans=[a_plan(state="approved")])),
    _row("ROW-PLAN", "an offer that nobody made", plan_request(2, offer="plan-9"), NO),
    _row("ROW-PLAN", "a plan that began last year", plan_request(2, first_on="2025-01-01"), NO),
    _row("ROW-PLAN-OFFER", "an approved offer", OFFER, GO, account=an_account(plans=[a_plan(state="approved")]), **ASKED),
    _row("ROW-PLAN-OFFER", "an offer that nobody approved", OFFER, NO, **ASKED),
    _row("ROW-CONCESSION", "a discount", a_record("concession_request", quote=QUOTE), MANAGER, mode="automatic"),
    _row("ROW-CREDIT-HOLD", "a credit hold", a_record("credit_hold_recommendation", reason="late"), MANAGER, mode="automatic"),
    _row("ROW-CONTACT-CHANGE", "a new address", a_record("contact_change", quote=QUOTE), COLLECTOR, mode="automatic"),
    _row("ROW-FOLLOW-UP", "a message in five days", a_follow_up(), GO),
    _row("ROW-FOLLOW-UP", "a look at a promise", a_follow_up("check_promise"), GO, account=an_account(promises=[a_promise()])),
    _row("FOLLOW-UP-PROMISE", "a look at a promise that nobody recorded", a_follow_up("check_promise"), NO),
    _row("FOLLOW-UP-PROMISE", "a look at a promise that was broken", a_follow_up("check_promise"), NO, account=an_account(promises=[a_promise(state="broken")])),
    _row("ROW-FOLLOW-UP", "a message today when the budget is spent", a_follow_up(in_days=0), COLLECTOR, account=an_account(touches=[a_touch()])),
    _row("ROW-FOLLOW-UP", "a message next year", a_follow_up(in_days=None, on="2027-03-10"), COLLECTOR),
    _row("FOLLOW-UP-PAST", "yesterday", a_follow_up(in_days=None, on="2026-03-09"), NO),
    _row("FOLLOW-UP-STOPPED", "a message under a hold", a_follow_up(), NO, account=an_account(holds=[a_hold()])),
    _row("FOLLOW-UP-STOPPED", "a message after a stop", a_follow_up(), NO, inbound=signal("opt_out")),
    _row("ROW-TASK", "a review under a hold", a_follow_up("review"), GO, account=an_account(holds=[a_hold()])),
    _row("ROW-ESCALATION", "an escalation", a_record("escalation", why="unsure", quote=None), GO),
    _row("ROW-STATED-FACT", "a dispute", a_record("dispute", reason="quality", invoices=["inv-1"], amount=None, quote=QUOTE), GO),
    _row("RECORD-INVOICES", "a dispute of an unknown invoice", a_record("dispute", reason="quality", invoices=["%"], amount=None, quote=QUOTE), NO),
    _row("RECORD-AMOUNT", "a dispute over nothing", a_record("dispute", reason="price", invoices=[], amount="0.00", quote=QUOTE), NO),
    _row("ROW-LOOK", "a look at the risk", Action("cust-1", "read_customer_risk", {"horizon": "late_7d"}), GO, mode="observe"),
    # policy.md 4
    _row("TO-DO-NOT-CONTACT", "do not contact", REMINDER, NO, account=an_account(customer=a_customer(do_not_contact=True))),
    _row("TO-STATUS", "an erased customer", REMINDER, NO, account=an_account(customer=a_customer(status="erased"))),
    _row("TO-STATUS", "an inactive customer", REMINDER, COLLECTOR, account=an_account(customer=a_customer(status="inactive"))),
    _row("TO-SUPPRESSED", "opted out of everything", REMINDER, NO, account=an_account(suppressions=[a_suppression()])),
    _row("TO-SUPPRESSED", "opted out of email", REMINDER, NO, account=an_account(suppressions=[a_suppression(channel="email")])),
    _row("ROW-REMINDER", "opted out of SMS only", REMINDER, GO, account=an_account(suppressions=[a_suppression(channel="sms")])),
    _row("TO-SUPPRESSED", "the ledger knows of the opt-out", REMINDER, NO, account=an_account(contacts=[a_contact(opted_out_at=NOW)])),
    _row("TO-SUPPRESSED", "consent was denied", REMINDER, NO, account=an_account(contacts=[a_contact(consent="denied")])),
    _row("TO-SUPPRESSED", "a reply after an opt-out", REPLY, NO, account=an_account(suppressions=[a_suppression()]), **ASKED),
    _row("ROW-CONFIRMATION", "the confirmation at dispatch, when the suppression stands", CONFIRM, GO, inbound=signal("opt_out"), account=an_account(suppressions=[a_suppression()])),
    _row("ROW-CONFIRMATION", "a crisis after an opt-out", CRISIS, GO, inbound=signal("escalation"), account=an_account(suppressions=[a_suppression()], holds=[a_hold("safety", placed_at=NOW)])),
    _row("ROW-REPLY", "the wrong party is told so, at dispatch too", a_reply("wrong_party_ack", "acknowledgement"), GO, inbound=signal("wrong_party", identity_matches=False), account=an_account(suppressions=[a_suppression(contact_id="contact-email", reason="wrong_party")])),
    _row("TO-SUPPRESSED", "a mail that bounced", REMINDER, NO, account=an_account(suppressions=[a_suppression(contact_id="contact-email", reason="bounced")])),
    _row("STOP-HOLD", "a held account", REMINDER, NO, account=an_account(holds=[a_hold("hardship")])),
    _row("STOP-HOLD", "the ledger's own hold", REMINDER, NO, account=an_account(customer=a_customer(hold_reason="see file"))),
    _row("STOP-HOLD", "a held invoice", REMINDER, NO, account=an_account(holds=[a_hold("payment_claim", invoice_ids=["inv-1"])])),
    _row("STOP-HOLD", "the rest beside a held invoice", a_message(invoices=["inv-2"]), COLLECTOR, account=an_account(invoices=[an_invoice(), an_invoice(id="inv-2")], holds=[a_hold("payment_claim", invoice_ids=["inv-1"])])),
    _row("STOP-HOLD", "a reply under a hold", REPLY, COLLECTOR, account=an_account(holds=[a_hold("hardship")]), **ASKED),
    _row("STOP-HOLD", "a reply where the customer is represented", REPLY, NO, account=an_account(holds=[a_hold("representation")]), **ASKED),
    _row("ROW-REPLY", "a first acknowledgement under a hold", ACK, GO, account=an_account(holds=[a_hold("dispute")]), **ASKED),
    _row("STOP-ONCE", "a second acknowledgement under a hold", ACK, COLLECTOR, account=an_account(holds=[a_hold("dispute")], touches=[a_touch(reply_to=7, purpose="acknowledgement")]), **ASKED),
    _row("STOP-ONCE", "a second confirmation of an opt-out", CONFIRM, NO, inbound=signal("opt_out"), account=an_account(touches=[a_touch(reply_to=7, purpose="opt_out_confirmation")])),
    _row("STOP-DISPUTE", "a disputed invoice", REMINDER, NO, account=an_account(disputes=[a_dispute()])),
    _row("STOP-DISPUTE", "the undisputed rest", a_message(invoices=["inv-2"]), COLLECTOR, account=an_account(invoices=[an_invoice(), an_invoice(id="inv-2")], disputes=[a_dispute()])),
    _row("STOP-DISPUTE", "a reply under a dispute", REPLY, COLLECTOR, account=an_account(disputes=[a_dispute()]), **ASKED),
    _row("STOP-PROMISE", "a promise whose date is ahead", REMINDER, NO, account=an_account(promises=[a_promise()])),
    _row("STOP-PROMISE", "on the promised day", REMINDER, NO, account=an_account(promises=[a_promise(due_date=TODAY)])),
    _row("ROW-REMINDER", "one day after the promised day", REMINDER, GO, account=an_account(promises=[a_promise(due_date=TODAY - timedelta(days=1))])),
    _row("STOP-PROMISE", "within the float of a cheque", REMINDER, NO, pays_by_mail=True, account=an_account(promises=[a_promise(due_date=TODAY - timedelta(days=5))])),
    _row("ROW-REPLY", "a reply under a promise", REPLY, GO, account=an_account(promises=[a_promise()]), **ASKED),
    _row("STOP-PLAN", "a running plan", REMINDER, NO, account=an_account(plans=[a_plan()])),
    _row("STOP-PLAN", "a broken plan", REMINDER, COLLECTOR, account=an_account(plans=[a_plan(state="defaulted")])),
    _row("ROW-REPLY", "a reply under a plan", REPLY, GO, account=an_account(plans=[a_plan()]), **ASKED),
    _row("STOP-SIGNAL", "a reply to an opt-out", REPLY, NO, inbound=signal("opt_out")),
    _row("STOP-SIGNAL", "a reply to a dispute", REPLY, COLLECTOR, inbound=signal("dispute")),
    _row("STOP-SIGNAL", "the wrong acknowledgement", a_reply("promise_ack", "acknowledgement"), COLLECTOR, inbound=signal("dispute")),
    _row("STOP-SIGNAL", "a dispute acknowledged to the bereaved", ACK, NO, inbound=signal("dispute", "deceased")),
    _row("STOP-SIGNAL", "a signal that nobody knows", ACK, NO, inbound=signal("volcano")),
    _row("STOP-SIGNAL", "a stop that this episode recorded", REPLY, COLLECTOR, inbound=an_inbound(), staged=[a_record("hardship", quote=QUOTE)]),
    _row("ROW-REPLY", "being unsure stops nothing", a_reply("clarify"), GO, inbound=an_inbound(), staged=[a_record("escalation", why="unsure", quote=None)]),
    _row("STOP-PENDING", "a payment on its way", REMINDER, NO, account=an_account(payments_pending_minor=1)),
    _row("STOP-PENDING", "a reply with a payment on its way", REPLY, COLLECTOR, account=an_account(payments_pending_minor=1), **ASKED),
    _row("STOP-SETTLED", "a reply when nothing is owed", REPLY, COLLECTOR, account=an_account(invoices=[]), **ASKED),
    _row("STOP-STALE", "a file of last week and a minute", REMINDER, NO, account=an_account(ledger_as_of=NOW - timedelta(days=7, minutes=1))),
    _row("ROW-REMINDER", "a file of last week", REMINDER, GO, account=an_account(ledger_as_of=NOW - timedelta(days=7))),
    _row("STOP-STALE", "a connector a quarter of an hour ago", REMINDER, NO, account=an_account(ledger_system="quickbooks", ledger_as_of=NOW - timedelta(minutes=16))),
    _row("STOP-STALE", "nobody knows how old", REMINDER, NO, account=an_account(ledger_as_of=None)),
    # policy.md 5
    _row("TO-ON-FILE", "somebody else's contact point", REMINDER, NO, draft={"contact_id": "contact-9"}),
    _row("MSG-DRAFT", "the draft of something else", REMINDER, NO, draft={"purpose": "reply"}),
    _row("MSG-FIGURES", "a figure from nowhere", REMINDER, NO, draft={"untraced": ("$9.99",)}),
    _row("MSG-WORDING", "a threat", REMINDER, NO, draft={"denied": ("jail",)}),
    _row("MSG-WAY-OUT", "a reminder without a way out", REMINDER, NO, draft={"way_out": False}),
    _row("MSG-IDENTITY", "a first reminder that does not say who writes", REMINDER, NO, draft={"disclosed": False}),
    _row("ROW-REMINDER", "a later reminder need not say it again", REMINDER, GO, draft={"disclosed": False}, account=an_account(touches=[a_touch(at=NOW - timedelta(days=9))])),
    _row("MSG-SMS-LENGTH", "four segments", SMS, NO, draft={"segments": 4}),
    _row("ROW-REMINDER", "three segments", SMS, GO, draft={"segments": 3}),
    _row("MSG-LANGUAGE", "no template in the customer's language", REMINDER, COLLECTOR, draft={"language_fallback": True}),
    _row("MSG-INVOICES", "a reply that names a foreign invoice", a_reply(invoices=["inv-9"]), NO, **ASKED),
    _row("MSG-INVOICES", "an invoice in euro", a_reply(invoices=["inv-1"]), NO, account=an_account(invoices=[an_invoice(currency="EUR")]), **ASKED),
    _row("MSG-DUE", "a reminder before the due date", a_message(invoices=["inv-1", "inv-2"]), NO, account=an_account(invoices=[an_invoice(), an_invoice(id="inv-2", days_late=0)])),
    _row("MSG-DUE", "a reminder of nothing", a_message(invoices=[]), NO, account=an_account(invoices=[an_invoice()])),
    _row("MSG-CONSOLIDATED", "one of two invoices", REMINDER, COLLECTOR, account=an_account(invoices=[an_invoice(), an_invoice(id="inv-2")])),
    _row("MSG-ONE", "a second message in an episode of ours", SMS, NO, staged=[REMINDER]),
    _row("MSG-ONE", "a reminder for an answer", REMINDER, NO, **ASKED),
    # policy.md 6
    _row("TIME-WINDOW", "at night", REMINDER, Allow(MORNING), now=NIGHT),
    _row("TIME-WINDOW", "a reply to an old question at night", REPLY, Allow(MORNING), now=NIGHT, inbound=an_inbound(at=NIGHT - timedelta(hours=2))),
    _row("ROW-REPLY", "a reply to a fresh question at night", REPLY, GO, now=NIGHT, inbound=an_inbound(at=NIGHT - timedelta(minutes=2))),
    _row("ROW-CONFIRMATION", "an opt-out is confirmed at night", CONFIRM, GO, now=NIGHT, inbound=signal("opt_out", at=None)),
    _row("TIME-WINDOW", "a wish that cannot be read", REMINDER, NO, account=an_account(contacts=[a_contact(quiet_hours={"from": "8"})])),
    _row("TIME-BUDGET", "a second touch in a day", REMINDER, Allow(NOW + timedelta(hours=21)), account=an_account(touches=[a_touch()])),
    _row("ROW-REPLY", "a reply does not count", REPLY, GO, account=an_account(touches=[a_touch()]), **ASKED),
    _row("TIME-ONE-REPLY", "a second reply", REPLY, COLLECTOR, inbound=an_inbound(replies=1)),
    _row("TIME-ONE-REPLY", "a second reply in one episode", REPLY, COLLECTOR, inbound=an_inbound(), staged=[a_reply("bot_ack")]),
    _row("TO-SMS-CONSENT", "an SMS without consent", SMS, COLLECTOR, account=an_account(contacts=[a_contact(channel="sms", consent="unknown")])),
    _row("TO-THIRD-PARTY-SMS", "an SMS for somebody else's claim", SMS, NO, profile="third_party"),
    # policy.md 7
    _row("LADDER-STEP", "reminder 2 on the sixth day", a_message(template="reminder_2"), COLLECTOR),
    _row("LADDER-STEP", "nothing is due on the third day", REMINDER, COLLECTOR, account=an_account(invoices=[an_invoice(days_late=3)])),
    _row("LADDER-STEP", "a call is due after 30 days", REMINDER, COLLECTOR, account=an_account(invoices=[an_invoice(days_late=31)])),
    _row("LADDER-REPEAT", "a step that ran", REMINDER, NO, ladder_step="reminder_1", account=an_account(ladder=[a_step()])),
    _row("ROW-REMINDER", "its own step at dispatch", REMINDER, GO, ladder_step="reminder_1", outbox_id=1, account=an_account(ladder=[a_step()], touches=[a_touch(state="sending")])),
)  # fmt: skip
