"""Twilio's forms, read: what a customer wrote, and what became of what we wrote."""

from itertools import permutations
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.channels.twilio.webhook import Media, StatusUpdate, TextMessage, inbound, rank, read_form, status
from tools.errors import Invalid

SID, ACCOUNT = "SM" + "a" * 32, "AC" + "1" * 32
TEXT = {"MessageSid": SID, "AccountSid": ACCOUNT, "To": "+13125550199", "From": "+13125550100", "Body": "Hi"}
STATUS = {"MessageSid": SID, "AccountSid": ACCOUNT, "MessageStatus": "sent"}


def _text(**changed: str | None) -> TextMessage:
    fields = {name: value for name, value in {**TEXT, **changed}.items() if value is not None}
    return inbound(read_form(urlencode(fields).encode()))


def _status(query: bytes = b"key=71", **changed: str) -> StatusUpdate:
    return status(read_form(urlencode({**STATUS, **changed}).encode()), query)


def test_a_text_is_read_as_it_came() -> None:
    assert _text() == TextMessage(SID, ACCOUNT, "+13125550199", "+13125550100", "Hi", 1)


@given(body=st.text(max_size=100))
def test_every_body_survives_blank_or_not(body: str) -> None:
    assert _text(Body=body).body == body


def test_fields_that_twilio_adds_are_let_through() -> None:
    assert _text(FromCity="", Mood="cheerful", NumSegments="2").segments == 2


def test_media_are_noted_with_their_types() -> None:
    read = _text(
        NumMedia="2", MediaUrl0="https://api.example/1", MediaContentType0="image/jpeg", MediaUrl1="u"
    )

    assert read.media == (Media("https://api.example/1", "image/jpeg"), Media("u", ""))


@pytest.mark.parametrize("said", ["99999999999", "-1", "many", "²", ""])
def test_a_number_of_media_that_is_none_counts_none(said: str) -> None:
    assert _text(NumMedia=said).media == ()


def test_no_more_media_are_noted_than_a_text_can_have() -> None:
    assert len(_text(NumMedia="9999").media) == 10


@pytest.mark.parametrize(("said", "read"), [("STOP", "STOP"), ("stop", "STOP"), ("HELP", "HELP"), ("START", "START"), ("PAUSE", None), ("", None)])  # fmt: skip
def test_the_keyword_that_twilio_answered_is_named(said: str, read: str | None) -> None:
    assert _text(OptOutType=said).opt_out == read


@pytest.mark.parametrize(
    "changed",
    [
        {"From": "whatsapp:+13125550100"}, {"To": "whatsapp:+13125550199"}, {"From": "rcs:acme_agent"}, {"From": "ACME"},
        {"From": ""}, {"From": None}, {"From": "+13125550100\n"}, {"From": "+١٣١٢٥٥٥"}, {"To": None}, {"Body": None},
        {"MessageSid": None}, {"MessageSid": "SM1"}, {"MessageSid": "CA" + "a" * 32}, {"AccountSid": "AC" + "g" * 32},
        {"MessagingServiceSid": "mg"},
    ],
)  # fmt: skip
def test_what_is_no_text_message_is_not_taken_for_one(changed: dict[str, str | None]) -> None:
    with pytest.raises(Invalid) as refused:
        _text(**changed)

    assert not any(value and len(value) > 4 and value in str(refused.value) for value in changed.values())


@pytest.mark.parametrize(
    "body",
    [b"\xff", b"Body=%FF", b"Body=%ED%A0%80", b"a=1&" * 300, urlencode(TEXT).encode() + b"&From=%2B1999"],
)
def test_a_form_that_cannot_be_read_or_says_two_things_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid):
        inbound(read_form(body))


def test_a_status_names_our_message_by_the_key_in_its_url() -> None:
    assert _status(MessageStatus="undelivered", ErrorCode="30003") == StatusUpdate(
        SID, ACCOUNT, "undelivered", "30003", "71"
    )


@pytest.mark.parametrize("query", [b"", b"key=", b"key=1&key=2", b"other=1", b"\xff\xfe"])
def test_a_callback_without_one_key_names_no_message_of_ours(query: bytes) -> None:
    assert _status(query).key is None


@pytest.mark.parametrize("code", ["", "0", "x", "²"])
def test_what_is_no_error_code_is_none(code: str) -> None:
    assert _status(ErrorCode=code).error_code is None


def test_whatever_order_callbacks_come_in_the_farthest_status_holds() -> None:
    for order in permutations(["queued", "sending", "sent", "delivered"]):
        held = "accepted"
        for name in order:
            held = name if rank(name) > rank(held) else held
        assert held == "delivered"


def test_a_status_that_twilio_adds_moves_nothing() -> None:
    assert rank("teleported") == 0 < rank("accepted")
    assert _status(MessageStatus="teleported").stage is None


@pytest.mark.parametrize(("name", "stage"), [("queued", "leaving"), ("sent", "sent"), ("delivered", "delivered"), ("read", "delivered"), ("failed", "failed"), ("canceled", "failed")])  # fmt: skip
def test_each_status_comes_to_a_stage(name: str, stage: str) -> None:
    assert _status(MessageStatus=name).stage == stage
