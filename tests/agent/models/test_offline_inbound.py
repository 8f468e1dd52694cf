"""What the offline collector does with a customer's message."""

from typing import Any

import pytest

from tests.agent.models.documents import brief, inbound, invoice, proposed, rounds
from tools.activity.log_collection_activity import LogCollectionActivity

PROMISED = ["promise", "speak promise_ack sms"]
ASKS = ["speak promise_question sms"]
PLAN = ["plan_request", "speak plan_ack sms"]
COPY = ["wait review 0", "speak invoice_copy_reply sms"]  # a person sends it
UNSURE = ["escalation", "speak clarify sms"]
OFFER = {"id": "p1", "state": "offered", "total": "300.00", "instalments": [
    {"on": "2026-12-01", "amount": "150.00"}, {"on": "2027-01-01", "amount": "150.00"}]}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I'll pay Friday", [*PROMISED, "wait check_promise 2026-11-21"]),
        ("ill pay tmrw", [*PROMISED, "wait check_promise 2026-11-19"]),
        ("Friday", [*PROMISED, "wait check_promise 2026-11-21"]),
        ("The check will go out Monday", [*PROMISED, "wait check_promise 2026-11-24"]),
        ("can I pay $100 friday?", [*PROMISED, "wait check_promise 2026-11-21"]),
        ("$200 on Friday and the rest on the 27th, I will pay", [*PROMISED, "wait check_promise 2026-11-21", "wait check_promise 2026-11-28"]),
        ("What is my balance? I'll pay it Friday", [*PROMISED, "wait check_promise 2026-11-21"]),
        ("Le pago el viernes", [*PROMISED, "wait check_promise 2026-11-21"]),
        ("voy a pagar $150 el 20 y lo demás el 30", [*PROMISED, "wait check_promise 2026-11-21", "wait check_promise 2026-12-01"]),
        ("mañana le deposito", [*PROMISED, "wait check_promise 2026-11-19"]),
        ("the 4th I guess", ASKS), ("maybe Friday", ASKS), ("I'll pay when my refund comes", ASKS), ("I'll pay next week", ASKS), ("I'll pay on 4/12", ASKS),
        ("I'll pay half on Friday", [*PROMISED, "wait check_promise 2026-11-21"]), ("will pay thursday or friday", ASKS), ("I'll pay you Tuesday", ASKS), ("I will send $5000 Friday", ASKS),
        ("I need until the 30th", ASKS), ("can I have an extension?", ASKS), ("creo que el viernes le pago", ASKS), ("pago cuando me paguen", ASKS),
        ("can I pay in 3 installments", PLAN), ("$100 a month is all I can do", PLAN), ("Can I set up a payment plan?", PLAN), ("quiero pagar en cuotas", PLAN),
        ("I'll pay 100 on the 20th and 200 on Dec 20", [*PROMISED, "wait check_promise 2026-11-21", "wait check_promise 2026-12-21"]),
        ("how much do I owe?", ["speak balance_reply sms"]), ("¿cuánto debo?", ["speak balance_reply sms"]),
        ("can you resend the invoice?", COPY), ("¿me puede mandar la factura?", COPY),
        ("How do I pay? Do you take Zelle?", ["speak payment_link_reply sms"]), ("are you a bot?", ["speak bot_ack sms"]), ("¿eres un robot?", ["speak bot_ack sms"]),
        ("who is this?", ["speak bot_ack sms"]), ("ok thanks", ["speak smalltalk_ack sms"]), ("hi", ["speak smalltalk_ack sms"]),
        ("can you waive the late fee", ["concession_request", "speak person_ack sms"]), ("our new email is ap@acme.example", ["contact_change", "speak person_ack sms"]),
        ("AP pays on Thursdays", ["preference", "speak smalltalk_ack sms"]), ("asdf qwer", UNSURE), ("Je ne comprends pas", ["escalation", "speak person_ack sms"]), ("no entiendo", UNSURE), ("", UNSURE),
        ("Automatic reply: I am out of office until Monday", ["note"]),
    ],
)  # fmt: skip
def test_one_message(text: str, expected: list[str]) -> None:
    calls = proposed(inbound(text))
    assert brief(calls) == expected


@pytest.mark.parametrize(
    ("text", "template"),
    [
        ("STOP", "opt_out_confirmation"), ("I want to kill myself", "crisis"), ("I'll kill you", "crisis"), ("my husband died", "condolence"),
        ("my father died, stop texting", "opt_out_confirmation"), ("wrong number", "wrong_party_ack"), ("this is fraud", "fraud_ack"), ("talk to my lawyer", "hold_ack"),
        ("I lost my job", "hardship_ack"), ("I never ordered this", "dispute_ack"), ("I already paid", "payment_claim_ack"), ("can someone call me", "person_ack"),
        ("this is ridiculous", "person_ack"), ("no me escriban más", "opt_out_confirmation"), ("número equivocado", "wrong_party_ack"),
    ],
)  # fmt: skip
def test_a_signal_is_acknowledged_and_not_recorded_again(text: str, template: str) -> None:
    calls = proposed(inbound(text))
    assert brief(calls) == [f"speak {template} sms"]


def test_a_promise_for_the_undisputed_rest_is_not_taken_while_code_holds_the_case() -> None:
    calls = proposed(inbound("INV-1042 is wrong, I'll pay the rest Friday"))
    assert brief(calls) == ["speak dispute_ack sms"]


def test_hardship_and_a_plan() -> None:
    calls = proposed(inbound("lost my job, can I do $50 a month"))
    assert brief(calls) == ["plan_request", "speak hardship_ack sms"]
    assert calls[0]["args"]["record"]["instalments"] == 6


def test_no_amount_means_all_that_is_overdue_and_may_be_asked_for() -> None:
    account = {"invoices": [invoice(), invoice("i2", "INV-7", balance="50.50"), invoice("i3", "INV-8", disputed=True),
                            invoice("i4", "INV-9", overdue=False)]}  # fmt: skip
    calls = proposed(inbound("I'll pay everything Friday", account=account))
    assert calls[0]["args"]["record"]["payments"] == [{"amount": "350.50", "on": "2026-11-20"}]
    assert calls[1]["args"]["invoices"] == ["i1", "i2"]


def test_a_named_invoice() -> None:
    account = {"invoices": [invoice(), invoice("i2", "INV-1043", balance="50.50")]}
    calls = proposed(inbound("I'll pay inv 1043 tomorrow", account=account))
    assert calls[0]["args"]["record"] == {
        "kind": "promise", "payments": [{"amount": "50.50", "on": "2026-11-18"}], "invoices": ["i2"]}  # fmt: skip


def test_the_same_promise_twice_is_recorded_once() -> None:
    account = {"promises": [{"id": 1, "amount": "300.00", "due": "2026-11-20", "state": "open"}]}
    calls = proposed(inbound("I'll pay Friday", account=account))
    assert brief(calls) == ["speak promise_ack sms"]


def test_yes_to_an_offer() -> None:
    calls = proposed(inbound("Yes, that works", account={"plans": [OFFER]}))
    assert brief(calls) == ["plan_request", "speak plan_confirmed sms"]
    assert calls[1]["args"]["offer"] == "p1"
    assert calls[0]["args"]["record"]["offer"] == "p1"


def test_a_missing_link_is_not_promised() -> None:
    calls = proposed(inbound("send me the payment link", account={"invoices": [invoice(payment_link=False)]}))
    assert brief(calls) == ["wait review 0", "speak remittance_reply sms"]


@pytest.mark.parametrize(
    "text", ["I'll pay Friday", "how much do I owe?", "asdf", "STOP", "can I pay in 3 installments"]
)
def test_a_refusal_is_followed_by_a_person_once_and_never_by_the_same_call(text: str) -> None:
    made = rounds(
        inbound(text), refuse=["generate_dunning_message", "log_collection_activity", "schedule_follow_up"]
    )
    known = text in ("STOP", "asdf")  # a person was called in already
    assert [brief(calls) for calls in made[1:]] == ([] if known else [["escalation"]])


def test_records_are_valid_and_quotes_are_the_customers_words() -> None:
    for text in (
        "can you waive the late fee",
        "our new email is a@b.example",
        "asdf",
        "I'll pay Friday",
        "$100 a month",
    ):
        for call in rounds(inbound(text))[0]:
            if call["name"] == "log_collection_activity":
                LogCollectionActivity.model_validate(call["args"])
                assert (call["args"]["record"].get("quote") or "") in text


def test_ids_of_calls_are_the_same_for_the_same_prompt_and_differ_within_a_turn() -> None:
    from agent.models.binding import bind
    from agent.models.offline import OfflineCollector
    from tests.agent.models.documents import prompt

    def ids(content: dict[str, Any]) -> list[str | None]:
        return [call["id"] for call in bind(OfflineCollector()).invoke(prompt(content)).tool_calls]

    assert ids(inbound("resend the invoice")) == ids(inbound("resend the invoice"))
    assert len(set(ids(inbound("resend the invoice")))) == 2
    assert set(ids(inbound("resend the invoice"))).isdisjoint(ids(inbound("resend the invoice please")))
