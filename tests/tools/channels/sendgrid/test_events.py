"""SendGrid's events: what each comes to, and that no strange one keeps the others from us."""

import json
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.webhooks.fates import Word
from tools.channels.sendgrid.events import MEANINGS, Event, Meaning, State, Stop, read_events
from tools.errors import Invalid

DELIVERED = {
    "email": "dana@buyer.example", "timestamp": 1795359600, "event": "delivered", "sg_event_id": "ZGVsaXZlcmVkLTA=", "category": [],
    "smtp-id": "<Pzgl3GFVQWqIVl4NfvbvNg@geopod-ismtpd-1>", "sg_message_id": "Pzgl3GFVQWqIVl4NfvbvNg.recvd-5d8f-1-65A1B2C3-1E.0",
    "message_id": "71", "response": "250 OK", "tls": 1, "something new": {"deep": [1]},
}  # fmt: skip


def one(**changed: Any) -> Event:
    """The only event of a batch, `delivered` but for what is changed."""
    (event,) = read_events(json.dumps([DELIVERED | changed]).encode()).events
    return event


def test_an_event_names_our_key_the_receipts_id_and_the_message_id() -> None:
    assert one() == Event(
        event_id="ZGVsaXZlcmVkLTA=", kind="delivered", at=datetime(2026, 11, 22, 15, 0, tzinfo=UTC), meaning=Meaning("delivered"), key="71",
        provider_id="Pzgl3GFVQWqIVl4NfvbvNg", internet_id="<Pzgl3GFVQWqIVl4NfvbvNg@geopod-ismtpd-1>", address="dana@buyer.example",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("sg_message_id", "provider_id"),
    [
        ("14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0", "14c5d75ce93.dfd.64b469"),
        ("Pzgl3GFVQWqIVl4NfvbvNg.filterdrecv-p3mdw1-1", "Pzgl3GFVQWqIVl4NfvbvNg"),
        ("Pzgl3GFVQWqIVl4NfvbvNg", "Pzgl3GFVQWqIVl4NfvbvNg"),
        ("", None),
        ("with a\nbreak", None),
    ],
)
def test_the_receipts_id_is_what_comes_before_the_machines_name(
    sg_message_id: str, provider_id: str | None
) -> None:
    assert one(sg_message_id=sg_message_id).provider_id == provider_id


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        ({"event": "processed"}, Meaning("sent")),
        ({"event": "deferred", "response": "451 try again"}, Meaning("sent")),
        ({"event": "bounce", "type": "bounce", "status": "5.1.1"}, Meaning("failed", "bad")),
        ({"event": "bounce"}, Meaning("failed", "bad")),
        ({"event": "bounce", "type": "blocked", "bounce_classification": "Technical Failure"}, Meaning("failed", "later")),
        ({"event": "bounce", "type": "blocked", "bounce_classification": "Reputation"}, Meaning("failed", "look")),
        ({"event": "bounce", "type": "blocked", "bounce_classification": "Invalid Address"}, Meaning("failed", "bad")),
        ({"event": "bounce", "type": "blocked"}, Meaning("failed", "look")),
        ({"event": "dropped", "reason": "Bounced Address"}, Meaning("failed", "bad")),
        ({"event": "dropped", "reason": "Unsubscribed Address"}, Meaning("failed", "opted_out")),
        ({"event": "dropped", "reason": "Spam Reporting Address"}, Meaning("failed", "look", "complaint")),
        ({"event": "dropped", "reason": "Recipient List over Package Quota"}, Meaning("failed", "look")),
        ({"event": "spamreport"}, Meaning(None, "look", "complaint")),
        ({"event": "unsubscribe"}, Meaning(None, "look", "opt_out")),
        ({"event": "group_unsubscribe", "asm_group_id": 7}, Meaning(None, "look", "opt_out")),
    ],
)  # fmt: skip
def test_each_kind_comes_to_what_it_means(said: dict[str, Any], meaning: Meaning) -> None:
    assert one(**said).meaning == meaning


@pytest.mark.parametrize(
    "kind", ["open", "click", "group_resubscribe", "account_status_change", "newest", "", None]
)
def test_what_a_scanner_can_do_and_what_nobody_knows_is_no_fact(kind: str | None) -> None:
    batch = read_events(json.dumps([DELIVERED | {"event": kind}]).encode())

    assert (batch.events, batch.ignored, batch.broken) == ((), 1, 0)


def test_a_code_is_a_status_or_a_cause_that_we_know_and_never_the_servers_text() -> None:
    secret = "550 5.1.1 <dana@buyer.example> unknown"

    assert one(event="bounce", status="5.1.1", reason=secret).code == "5.1.1"
    assert one(event="bounce", status=secret, reason=secret).code is None
    assert one(event="dropped", reason="Bounced Address").code == "bounced address"


@pytest.mark.parametrize(
    "strange",
    [
        None, 7, "text", [], {}, {"event": "delivered"}, DELIVERED | {"sg_event_id": ""}, DELIVERED | {"sg_event_id": 7},
        DELIVERED | {"timestamp": "1795359600"}, DELIVERED | {"timestamp": True}, DELIVERED | {"timestamp": 10**20},
        DELIVERED | {"timestamp": -1}, DELIVERED | {"timestamp": 1.5},
    ],
)  # fmt: skip
def test_a_broken_entry_does_not_keep_the_others_from_us(strange: Any) -> None:
    batch = read_events(json.dumps([strange, DELIVERED, strange]).encode())

    assert (len(batch.events), batch.ignored, batch.broken) == (1, 0, 2)


@pytest.mark.parametrize("key", ["71x", "-1", "", "７１", "1" * 30, 71, None, ["71"], "71\n"])
def test_a_key_that_is_none_of_ours_is_none(key: Any) -> None:
    assert one(message_id=key).key is None


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"null", b"\xff", b"[", b"[" * 100_000, b"1" * 10_000, b"[" + b"0," * 10_000 + b"0]"]
)
def test_what_is_no_batch_is_invalid(body: bytes) -> None:
    with pytest.raises(Invalid):
        read_events(body)


@given(
    entries=st.lists(
        st.dictionaries(
            st.sampled_from([*DELIVERED, "type", "reason", "status", "bounce_classification"]),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["bounce", "blocked", "dropped", "\ud800"]),
                lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
                max_leaves=4,
            ),
        ).map(lambda changed: DELIVERED | changed),
        max_size=4,
    )
)  # fmt: skip
def test_whatever_the_fields_hold_every_entry_is_counted_once(entries: list[dict[str, Any]]) -> None:
    batch = read_events(json.dumps(entries).encode())

    assert len(batch.events) + batch.ignored + batch.broken == len(entries)
    assert all(event.address is None or event.address.encode() for event in batch.events)


def test_meanings_are_in_the_words_that_the_webhook_understands() -> None:
    hints = Word.__annotations__
    for meanings in MEANINGS.values():
        for meaning in meanings.values():
            assert meaning.state in (None, *get_args(State))
            assert meaning.fault in get_args(hints["failed"])
            assert meaning.stop in (None, *get_args(Stop))
