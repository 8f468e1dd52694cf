"""Promises in the words that people find for them, and what only looks like one. All on Tuesday 17 November 2026."""

from typing import Any

import pytest

from tests.agent.models.documents import brief, inbound, invoice, proposed

OWED = {"invoices": [invoice(balance="480.00")]}


def promised(text: str, **fields: Any) -> list[tuple[str, str]]:
    """Amount and day of each payment that it records for `text`."""
    calls = proposed(inbound(text, **{"account": OWED, "signals": [], **fields}))
    records = [call["args"]["record"] for call in calls if call["name"] == "log_collection_activity"]
    return [
        (p["amount"], p["on"])
        for record in records
        if record["kind"] == "promise"
        for p in record["payments"]
    ]


@pytest.mark.parametrize(
    ("text", "payments"),
    [
        # A sum and a day in a plain statement are a promise, whatever the verb.
        ("our treasurer drops 480 at your office friday", [("480", "2026-11-20")]),
        ("480 rides along in thursday's batch", [("480", "2026-11-19")]),
        ("you will see every penny on the 24th", [("480.00", "2026-11-24")]),
        ("The draft for INV-1042, 480.00, is queued for November 25.", [("480.00", "2026-11-25")]),
        ("El jueves 19 sale el cheque por los 480", [("480", "2026-11-19")]),
        # What else happens that day explains it.
        ("when the bank opens tomorrow you get 200", [("200", "2026-11-18")]),
        ("payday is friday the 20th, 480 of it goes to you", [("480", "2026-11-20")]),
        ("cuando cobre el viernes le deposito los 480", [("480", "2026-11-20")]),
        # Parts, and the rest of them.
        ("200 on friday and the remaining 280 on friday the 27th", [("200", "2026-11-20"), ("280", "2026-11-27")]),
        ("Can swing 150 this friday. As for the other 330 ask me next month", [("150", "2026-11-20")]),
        # Slips of the thumb, broken lines.
        ("wil sned the 480 on Thrusday mornign", [("480", "2026-11-19")]),
        ("hey sorry for the long silence\nbut the whole 480 goes out\non friday with the others", [("480", "2026-11-20")]),
    ],
)  # fmt: skip
def test_a_promise_in_other_words(text: str, payments: list[tuple[str, str]]) -> None:
    assert promised(text) == payments


@pytest.mark.parametrize(
    "text",
    [
        "the invoice says 480 due on the 24th", "can you refund me 100 by friday", "maybe 200 on friday", "if the job is done 480 is yours on friday",
        "when you fix the leak you get 480 on friday", "I got three of these since monday over 480 bucks", "knock off 80 and you have 400 on friday",
        "my confirmation says 480, lunes 16 a las 8 de la noche", "200 friday or early next week",
    ],
)  # fmt: skip
def test_a_sum_and_a_day_that_promise_nothing(text: str) -> None:
    assert promised(text) == []


def test_the_answer_to_our_question_completes_what_was_said_before() -> None:
    asked = {
        "direction": "out",
        "channel": "sms",
        "purpose": "reply",
        "template": "promise_question",
        "text": "When?",
    }

    def conversation(before: str, now: str) -> list[dict[str, Any]]:
        return [{"direction": "in", "channel": "sms", "text": before}, asked, {"direction": "in", "channel": "sms", "text": now}]  # fmt: skip

    said = conversation("I can do some of it on Monday the 23rd, rents come in on the 20th", "call it 300")
    assert promised("call it 300", conversation=said) == [("300", "2026-11-23")]
    said = conversation("I could send 300", "monday the 23rd")
    assert promised("monday the 23rd", conversation=said) == [("300", "2026-11-23")]
    said = conversation("I can send some of it", "monday the 23rd")
    assert brief(proposed(inbound("monday the 23rd", account=OWED, conversation=said)))[0] == "escalation"
    # Once something else was answered, the old words are over.
    said = conversation("I could send 300", "monday the 23rd")
    said[1] = {**asked, "template": "balance_reply"}
    assert promised("monday the 23rd", conversation=said) == []


def test_a_promise_is_moved_with_its_sum() -> None:
    account = {**OWED, "promises": [{"id": 1, "amount": "200.00", "due": "2026-11-20", "state": "open"}]}
    assert promised("make that monday 11/23, same sum", account=account) == [("200.00", "2026-11-23")]
    assert promised("I will pay on monday instead", account=account) == [("200.00", "2026-11-23")]


def test_a_promise_in_a_sentence_of_its_own_counts_beside_a_signal() -> None:
    both = {"invoices": [invoice(balance="480.00"), invoice("i2", "INV-1043", balance="90.00")]}
    text = "INV-1043 was never delivered, I dispute it. INV-1042 goes out friday, 480 even."
    calls = proposed(inbound(text, account=both))
    assert brief(calls) == ["promise", "speak dispute_ack sms"]
    assert calls[0]["args"]["record"]["invoices"] == ["i1"]
    paid = "i already sent you 200 by zelle yesterday, the other 280 comes on the 24th"
    assert brief(proposed(inbound(paid, account=OWED))) == ["promise", "speak payment_claim_ack sms"]


def test_what_is_held_for_a_person_may_still_be_promised() -> None:
    account = {"invoices": [invoice(balance="480.00", held=True)], "holds": [{"reason": "person_asked"}]}
    assert promised("the 480 goes out friday", account=account) == [("480", "2026-11-20")]
    account["invoices"] = [invoice(balance="480.00", held=True, disputed=True)]
    assert promised("the 480 goes out friday", account=account) == []


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("could it be four equal ones, a month apart, the first on December 2?", (4, "month", "2026-12-02")),
        ("any way to stretch the 480 over six months, 80 a pop", (6, "month", None)),
        ("4 of em every other friday, first one on the 27th", (4, "fortnight", "2026-11-27")),
        ("¿podrían ser cuatro iguales, uno cada mes?", (4, "month", None)),
        ("pensaba en 4, un viernes sí y otro no", (4, "fortnight", None)),
        ("le doy 120 cada quincena, cuatro veces", (4, "fortnight", None)),
    ],
)
def test_terms_of_a_plan_in_other_words(text: str, terms: tuple[int, str, str | None]) -> None:
    calls = proposed(inbound(text, account=OWED, signals=[]))
    records = [call["args"]["record"] for call in calls if call["name"] == "log_collection_activity"]
    plans = [record for record in records if record["kind"] == "plan_request"]
    assert [(plan["instalments"], plan["every"], plan["first_on"]) for plan in plans] == [terms]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("AP is clerk@dental.example and they want the PO on it", "contact_change"),
        ("from July on please use Bertrand's mailbox, b@cold.example", "contact_change"),
        ("would you take 300 and we call it done", "concession_request"),
        ("si me perdonan la otra mitad se lo agradezco", "concession_request"),
        ("Take the $35 late charge off please", "concession_request"),
    ],
)
def test_requests_in_other_words(text: str, kind: str) -> None:
    from tools.memory.pseudonyms import without_addresses

    assert kind in brief(proposed(inbound(without_addresses(text), account=OWED, signals=[])))


@pytest.mark.parametrize(
    "text", ["my phone is on fire", "perfect, the full story some day once the baby is asleep"]
)
def test_what_only_looks_like_a_request_or_thanks_is_asked_back(text: str) -> None:
    assert brief(proposed(inbound(text, account=OWED, signals=[]))) == ["escalation", "speak clarify sms"]


def test_a_balance_is_of_all_that_is_open() -> None:
    account = {"invoices": [invoice(), invoice("i2", "INV-7", balance="50.50", overdue=False)]}
    [reply] = proposed(inbound("how much do I owe?", account=account))
    assert reply["args"]["invoices"] == ["i1", "i2"]


@pytest.mark.parametrize(
    ("first", "second", "payments"),
    [
        ("my paycheck comes this friday the 20th,", "that day you get 480 from me", [("480", "2026-11-20")]),
        ("going with 300 then", "on monday the 23rd", [("300", "2026-11-23")]),
        ("can swing 150 this friday", "as for the other 330 ask me again next year", []),
    ],
)
def test_two_messages_at_once_are_read_together_where_the_first_is_unfinished(
    first: str, second: str, payments: list[tuple[str, str]]
) -> None:
    said = [{"direction": "in", "channel": "sms", "text": text} for text in (first, second)]
    asked = {
        "direction": "out",
        "channel": "sms",
        "purpose": "reminder",
        "template": "reminder_2",
        "text": "Hi",
    }
    assert promised(second, conversation=[asked, *said]) == payments


def test_who_only_says_who_they_are_is_no_riddle() -> None:
    assert brief(proposed(inbound("[name] here.", account=OWED, signals=[]))) == ["speak smalltalk_ack sms"]
