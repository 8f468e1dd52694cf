"""Whole conversations with the offline collector: several questions, vague answers, thanks, signatures, repeats."""

from typing import Any

import pytest

from tests.agent.models.documents import brief, document, inbound, invoice, proposed, rounds
from tools.activity.record import CONFIRM_PROMISE

COPY = ["wait review 0", "speak invoice_copy_reply sms"]
WHERE = ["wait review 0", "speak remittance_reply sms"]
PERSON = ["wait review 0", "speak person_ack sms"]
PLAN = ["plan_request", "speak plan_ack sms"]
ASKS = ["speak promise_question sms"]
SMALL = ["speak smalltalk_ack sms"]
UNSURE = ["escalation", "speak clarify sms"]
SIGNED = """Hi,
please see below. We will process payment for $100 this Friday and the remainder on November 27.
Thanks,
Dana Whitlock
Accounts Payable
Tel 312 555 0142 ext. 30

This email and any attachments are confidential and intended solely for the addressee. If you are not the
intended recipient, please notify the sender and delete it.

On Mon, Nov 16, 2026 at 9:01 AM Juniper Home Services <billing@juniper.example> wrote:
> Your balance is $300.00. Reply STOP to unsubscribe. I already paid in January."""


def promised(*days: str) -> list[str]:
    """A promise of so many payments, confirmed, and a look on each of these days."""
    return ["promise", "speak promise_ack sms", *(f"wait check_promise {day}" for day in days)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # several questions in one message
        ("how much do i owe and can u send me the invoice again", COPY), ("¿cuánto debo y me puede mandar la factura?", COPY),
        ("send me the link again pls, also what is the last invoice for", COPY), ("are you a bot? and how much do I owe?", ["speak balance_reply sms"]),
        ("what's the balance and how can I pay online", ["speak payment_link_reply sms"]),
        ("Could you send the W-9 and a copy of the invoice, and let me know the balance?", PERSON),
        ("I'll pay friday. can you send the invoice?", ["promise", "wait review 0", "speak promise_ack sms", "wait check_promise 2026-11-21"]),
        # where the money goes: a person, never a guess
        ("where do I send the check", WHERE), ("what are your bank details", WHERE), ("who do I pay?", WHERE), ("who do I make the check out to and how much is it?", WHERE),
        ("a que cuenta le deposito", WHERE), ("a nombre de quien hago el cheque y cuanto es?", WHERE),
        # days and sums
        ("half now and half on the 27th", promised("2026-11-18", "2026-11-28")), ("la mitad hoy y la otra mitad el 27", promised("2026-11-18", "2026-11-28")),
        ("100 now and 200 friday", promised("2026-11-18", "2026-11-21")), ("I get paid on the 20th so I will send it the 21st", promised("2026-11-22")),
        ("payin today", promised("2026-11-18")), ("k will pay 2morrow", promised("2026-11-19")), ("gonna pay sum of it friday, like 150", promised("2026-11-21")),
        ("when my refund comes", ASKS), ("i get paid friday", ASKS), ("50 percent on friday", ASKS), ("i think i can pay thurs or fri", ASKS), ("me puede dar hasta el viernes?", ASKS),
        ("pago cuando me llegue la quincena", ASKS), ("I'll pay you when hell freezes over", ASKS),
        # plans
        ("100 a week starting friday", PLAN), ("can we do 50 every other friday till its paid", PLAN), ("quiero pagar en 4 quincenas", PLAN),
        # what only a person can answer
        ("did you get my payment?", PERSON), ("What time do you open tomorrow?", PERSON), ("can you come fix the sink on friday", PERSON),
        ("what happens if i dont pay", PERSON), ("I need a receipt", PERSON), ("remind me friday", PERSON),
        # neither a promise nor a demand
        ("ok ill call u tmrw", SMALL), ("thanks!", SMALL), ("have a blessed day", SMALL), ("lol", SMALL), ("ok gracias", SMALL),
        ("Thanks. The dog really enjoyed the new fence by the river", UNSURE), ("no", UNSURE), ("?", UNSURE),
        # signatures, footers and quotations say nothing
        (SIGNED, promised("2026-11-21", "2026-11-28")),
        # other languages
        ("Ich zahle am Freitag", ["escalation", "speak person_ack sms"]), ("vou pagar na sexta feira", ["escalation", "speak person_ack sms"]),
    ],
)  # fmt: skip
def test_one_message_gets_one_fitting_answer(text: str, expected: list[str]) -> None:
    assert brief(proposed(inbound(text))) == expected


def test_halves_of_an_odd_sum_add_up_to_it() -> None:
    calls = proposed(inbound("half now, half on friday", account={"invoices": [invoice(balance="300.01")]}))
    assert calls[0]["args"]["record"]["payments"] == [
        {"amount": "150.00", "on": "2026-11-17"},
        {"amount": "150.01", "on": "2026-11-20"},
    ]


def test_without_a_link_on_file_a_person_says_how_to_pay() -> None:
    account = {"invoices": [invoice(payment_link=False)]}
    assert brief(proposed(inbound("do you take zelle", account=account))) == WHERE


def test_what_a_customer_on_hold_offers_a_month_sets_the_number_of_payments() -> None:
    [plan, _] = proposed(inbound("can i do 50 a month", account={"invoices": [invoice(held=True)]}))
    assert plan["args"]["record"]["instalments"] == 6


def after(template: str, purpose: str, text: str, **fields: Any) -> dict[str, Any]:
    """The customer wrote `text` after that message of ours."""
    talk = [
        {"direction": "out", "channel": "sms", "purpose": purpose, "template": template, "text": "Hi"},
        {"direction": "in", "channel": "sms", "text": text},
    ]
    return inbound(text, conversation=talk, **fields)


@pytest.mark.parametrize(
    ("template", "purpose", "text", "expected"),
    [
        ("promise_ack", "acknowledgement", "ok thanks", []), ("balance_reply", "reply", "👍", []), ("smalltalk_ack", "acknowledgement", "thx bye", []),
        ("reminder_1", "reminder", "ok thanks", SMALL), ("smalltalk_ack", "acknowledgement", "hello?", ["escalation", "speak person_ack sms"]),
        ("promise_question", "reply", "ok", ["escalation", "speak person_ack sms"]), ("promise_question", "reply", "idk", ["escalation", "speak person_ack sms"]),
        ("promise_question", "reply", "soon, i'll pay soon", ["escalation", "speak person_ack sms"]), ("promise_question", "reply", "friday", promised("2026-11-21")),
        ("clarify", "reply", "blorp", ["escalation", "speak person_ack sms"]), ("clarify", "reply", "I'll pay soon", ASKS),
        ("person_ack", "acknowledgement", "blorp", ["escalation"]), ("person_ack", "acknowledgement", "how much do I owe?", ["speak balance_reply sms"]),
    ],
)  # fmt: skip
def test_nobody_is_asked_twice_or_thanked_for_thanks(
    template: str, purpose: str, text: str, expected: list[str]
) -> None:
    assert brief(proposed(after(template, purpose, text))) == expected


def test_thanks_to_an_open_offer_are_answered() -> None:
    account = {
        "plans": [{"id": "p1", "state": "offered", "instalments": [{"on": "2026-12-01", "amount": "150.00"}]}]
    }
    assert brief(proposed(after("person_ack", "acknowledgement", "thank you", account=account))) == SMALL


def test_a_payment_that_is_claimed_again_under_its_hold_is_not_acknowledged_again() -> None:
    held = {"holds": [{"reason": "payment_claim", "invoices": ["i1"]}]}
    said = "I already paid", "payment_claim_ack", "acknowledgement"
    assert brief(proposed(after(said[1], said[2], said[0], account=held))) == []
    assert brief(proposed(after(said[1], said[2], said[0]))) == ["speak payment_claim_ack sms"]


def test_a_promise_that_waits_for_a_person_is_neither_confirmed_nor_watched() -> None:
    ask = ["log_collection_activity"]
    assert [brief(calls) for calls in rounds(inbound("I'll pay Friday"), ask=ask)] == [["promise"]]
    two = inbound("half now and half on December 20")
    assert [brief(calls) for calls in rounds(two, ask=ask)] == [["promise"], ["speak plan_ack sms"]]


def test_a_plan_that_was_approved_at_once_is_offered_and_not_also_acknowledged() -> None:
    asked = inbound("can I pay in 3 installments")
    assert [brief(calls) for calls in rounds(asked)] == [["plan_request"], ["speak plan_ack sms"]]
    assert [brief(calls) for calls in rounds(asked, plans_wait=False)] == [["plan_request"]]


def test_a_promise_that_was_approved_is_confirmed_and_watched() -> None:
    account = {"promises": [{"id": 1, "amount": "300.00", "due": "2026-11-20", "state": "open"}]}
    task = {"kind": "message", "reason": CONFIRM_PROMISE}
    [calls] = rounds(document("follow_up", follow_up=task, account=account))
    assert brief(calls) == ["speak promise_ack sms", "wait check_promise 2026-11-21"]
    assert rounds(document("follow_up", follow_up=task)) == []  # it was withdrawn meanwhile
