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
        ("AP pays on Thursdays", ["preference", "speak fact_noted sms"]), ("asdf qwer", UNSURE), ("Je ne comprends pas", ["escalation", "speak person_ack sms"]), ("no entiendo", UNSURE), ("", UNSURE),
        ("Automatic reply: I am out of office until Monday", ["note"]),
    ],
)  # fmt: skip
def test_one_message(text: str, expected: list[str]) -> None:
    calls = proposed(inbound(text))
    assert brief(calls) == expected


@pytest.mark.parametrize(
    "text",
    [
        "I will not pay on Friday", "I will not pay on Friday, I said I can't", "I don't think I can pay $300 on Friday", "I won't be able to pay by Friday",
        "My wife will not let me pay 200 tomorrow", "I refuse to pay on Friday", "I do not intend to pay $300 Friday", "there is no way I pay 300 on Friday",
        "nobody will pay you 300 on Friday", "never gonna pay you friday", "I can't send it Friday", "I'm not sending it Friday", "You won't get the payment Friday",
        "no voy a pagar el viernes", "nunca voy a pagar mañana", "no creo poder pagar 200 el viernes", "mi esposa no me deja pagar 200 mañana", "No puedo pagar $300 el viernes",
        "no le pago el viernes", "me niego a pagar el viernes", "no le voy a pagar nada mañana",
    ],
)  # fmt: skip
def test_a_refusal_with_a_day_goes_to_a_person_and_promises_nothing(text: str) -> None:
    assert brief(proposed(inbound(text, signals=[]))) == ["wait review 0", "speak person_ack sms"]


def test_a_short_refusal_that_could_be_another_language_goes_to_a_person() -> None:
    assert brief(proposed(inbound("no pagaré"))) == ["escalation", "speak person_ack sms"]


@pytest.mark.parametrize(
    "text",
    ["I can't pay until Friday", "I can't pay Friday but I will pay Monday", "The check won't go out Friday", "no puedo pagar hasta el viernes"],
)  # fmt: skip
def test_who_cannot_pay_now_but_may_later_is_asked_when(text: str) -> None:
    assert brief(proposed(inbound(text, signals=[]))) == ASKS


def test_a_refusal_accepts_no_offered_plan() -> None:
    said = inbound("ok but I will not pay that", account={"plans": [OFFER]}, signals=[])
    assert "plan_request" not in brief(proposed(said))


@pytest.mark.parametrize(
    "text",
    [
        "El tecnico viene el viernes", "the tech comes Friday", "we are closed on Friday", "my birthday is Friday", "not Friday, Monday", "el viernes no",
        "Friday is my day off", "why would I pay on Friday?", "estamos cerrados el viernes", "the truck is here today",
    ],
)  # fmt: skip
def test_a_day_beside_other_words_is_no_promise(text: str) -> None:
    assert brief(proposed(inbound(text, signals=[]))) == UNSURE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Friday!", PROMISED), ("the 4th is ok", PROMISED), ("viernes por favor", PROMISED), ("el sábado está bien", PROMISED), ("I guess Friday", ASKS),
    ],
)  # fmt: skip
def test_a_bare_day_is_an_answer_only_to_the_question_for_a_day(text: str, expected: list[str]) -> None:
    assert brief(proposed(inbound(text)))[: len(expected)] == expected
    said = [{"direction": "out", "channel": "sms", "purpose": "reply", "template": "balance_reply", "text": "Hi"},
            {"direction": "in", "channel": "sms", "text": text}]  # fmt: skip
    assert brief(proposed(inbound(text, conversation=said))) == ASKS


def test_a_sum_with_its_day_needs_no_question_before_it() -> None:
    text = "$200 Friday and the rest on the 27th"
    said = [{"direction": "out", "channel": "sms", "purpose": "reply", "template": "balance_reply", "text": "Hi"},
            {"direction": "in", "channel": "sms", "text": text}]  # fmt: skip
    assert brief(proposed(inbound(text, conversation=said)))[:2] == PROMISED


@pytest.mark.parametrize(
    "text",
    ["pay u fri", "No problem, I'll pay Friday", "I'll pay Friday, no problem", "no se preocupe, le pago el viernes", "no hay problema, le pago el viernes"],
)  # fmt: skip
def test_a_promise_in_few_or_polite_words_is_one(text: str) -> None:
    assert brief(proposed(inbound(text, signals=[]))) == [*PROMISED, "wait check_promise 2026-11-21"]


def test_two_dated_amounts_are_one_promise_of_two_payments() -> None:
    owed = {"invoices": [invoice(balance="455.00")]}
    [promise, *_] = proposed(inbound("Ill pay 200 on 11/27 and 255 on 12/4", account=owed))
    assert promise["args"]["record"]["payments"] == [
        {"amount": "200", "on": "2026-11-27"},
        {"amount": "255", "on": "2026-12-04"},
    ]


@pytest.mark.parametrize(
    "text",
    ["Our AP pays on Thursdays", "please write to me in the evening", "text me in the mornings please", "escríbame por la tarde por favor"],
)  # fmt: skip
def test_a_stated_preference_is_recorded_and_acknowledged_as_noted(text: str) -> None:
    assert brief(proposed(inbound(text, signals=[]))) == ["preference", "speak fact_noted sms"]


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
    # The customer is told that a person has it, in words that may leave where the others might not.
    assert [brief(calls) for calls in made[1:]] == ([] if known else [["escalation", "speak person_ack sms"]])


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
