"""SendGrid's signatures, with the SDK's own check as the other side, and forgeries of signed webhooks."""

import base64
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from sendgrid.helpers.eventwebhook import (  # type: ignore[import-untyped]  # the SDK ships no py.typed
    EventWebhook,
)
from sendgrid.helpers.eventwebhook.eventwebhook_header import (  # type: ignore[import-untyped]  # likewise
    EventWebhookHeader,
)

from evals.providers.sendgrid import Webhooks
from evals.providers.sendgrid.inbound import Vouched, posted
from tests.proofs import proof_size
from tools.channels.sendgrid.signature import (
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    WINDOW,
    is_signed,
    public_key,
)
from tools.clock import FrozenClock
from tools.errors import Misconfigured

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
SENDGRID = Webhooks(clock=FrozenClock(NOW))
KEY, OLD_KEY = public_key(SENDGRID.public_key), public_key(Webhooks(seed=1).public_key)
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256 (FIPS 186-5)


@dataclass(frozen=True, slots=True)
class Signed:
    """A webhook as it comes over the wire."""

    body: bytes
    signature: str | None
    timestamp: str | None
    at: datetime = NOW
    why: str = "signed"

    def accepted(self, *keys: ec.EllipticCurvePublicKey, window: timedelta = WINDOW) -> bool:
        return is_signed(self.body, self.signature, self.timestamp, keys or (KEY,), now=self.at, window=window)  # fmt: skip


def signed(body: bytes, by: Webhooks = SENDGRID) -> Signed:
    """As SendGrid signs it."""
    headers = by.headers(body)
    return Signed(body, headers[SIGNATURE_HEADER], headers[TIMESTAMP_HEADER])


EVENTS = signed(
    '[{"email":"dana@büro.example","event":"delivered","timestamp":1795359600,"sg_event_id":"e1","message_id":"71"}]\r\n'.encode()
)
MAIL = EmailMessage()
MAIL["From"] = "dana@buyer.example"
MAIL.set_content("Готово: 250 €", charset="utf-8", cte="8bit")
PARSED = signed(posted(bytes(MAIL).replace(b"\xe2\x82\xac", b"\x80\xff"), from_="dana@buyer.example", to=["reply+x@parse.seller.example"], vouched=Vouched())[0])  # fmt: skip


@given(body=st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_what_the_sdk_calls_signed_is_signed_for_us(body: str) -> None:
    webhook = signed(body.encode())

    assert EventWebhook(SENDGRID.public_key).verify_signature(body, webhook.signature, webhook.timestamp)
    assert webhook.accepted()


@given(body=st.binary(max_size=300))
def test_any_bytes_may_be_signed(body: bytes) -> None:
    assert signed(body).accepted()


def test_our_header_names_are_the_sdks() -> None:
    assert (SIGNATURE_HEADER, TIMESTAMP_HEADER) == (EventWebhookHeader.SIGNATURE, EventWebhookHeader.TIMESTAMP)  # fmt: skip


def forgeries(webhook: Signed, other: Signed) -> st.SearchStrategy[Signed]:
    """What somebody could make of a signed webhook without the private key; `other` is one that was signed as well."""
    body, timestamp, signature = webhook.body, webhook.timestamp or "", webhook.signature or ""
    raw = base64.b64decode(signature)
    bodies = [
        b"", body + b" ", body.rstrip(), body[1:], body[:-3], body.replace(b"71", b"72"), body * 2, b"\xef\xbb\xbf" + body,
        body.decode("latin-1").encode("utf-16"), body.replace(b"\r\n", b"\n"), timestamp.encode() + body, other.body,
    ]  # fmt: skip
    # The seam between timestamp and body: what is signed is one text.
    recut = [
        replace(webhook, timestamp=timestamp[:-1], body=timestamp[-1:].encode() + body, why="cut anew"),
        replace(webhook, timestamp=timestamp + "1", body=body, why="a digit more"),
        replace(webhook, timestamp="", body=timestamp.encode() + body, why="no timestamp"),
    ]
    second = int(timestamp)
    timestamps = [
        None, "", " ", "0", f"{second + 1}", f"{second - 1}", f"+{second}", f" {second}", f"{second} ", f"{second}.0", f"0{second}",
        f"{second}\n", "-1", "1e9", "９" * 10, "٣" * 10, "9" * 400, "nan", f"0x{second:x}", str(second * 1000), "\x00",
    ]  # fmt: skip
    signatures = [
        None, "", "=", "A", "A" * 96, "A" * 10_000, "é" * 96, signature[:-1], signature + "=", signature.rstrip("=") + "A", f" {signature}",
        signature + "\n", signature.lower(), signature.swapcase(), signature[::-1], signature * 2, other.signature,
        base64.urlsafe_b64encode(raw + b"\xff\xff").decode(), base64.b64encode(raw + b"\x00").decode(), base64.b64encode(raw[:-1]).decode(),
        base64.b64encode(bytes.fromhex("3006020100020100")).decode(), base64.b64encode(bytes.fromhex("3006020101020101")).decode(),
        base64.b64encode(_der(_ORDER, _ORDER)).decode(), base64.b64encode(_der(0, 0)).decode(),
        base64.b64encode(raw.hex().encode()).decode(), raw.hex(),
    ]  # fmt: skip

    def flipped(what: bytes) -> st.SearchStrategy[bytes]:
        return st.tuples(st.integers(0, len(what) - 1), st.integers(1, 255)).map(
            lambda flip: what[: flip[0]] + bytes([what[flip[0]] ^ flip[1]]) + what[flip[0] + 1 :]
        )

    by_body = st.sampled_from(bodies) | flipped(body) | st.binary(max_size=200)
    by_signature = (
        st.sampled_from(signatures)
        | flipped(raw).map(lambda one: base64.b64encode(one).decode())
        | st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=120)
    )
    by_timestamp = st.sampled_from(timestamps) | st.integers(0, 10**11).map(str)
    most = 10**8  # seconds
    beyond = st.integers(int(WINDOW.total_seconds()) + 1, most)
    ages = st.builds(lambda age, sign: timedelta(seconds=age * sign), beyond, st.sampled_from([1, -1]))
    return st.one_of(
        by_body.map(lambda one: replace(webhook, body=one, why="another body")),
        by_signature.map(lambda one: replace(webhook, signature=one, why="another signature")),
        by_timestamp.map(lambda one: replace(webhook, timestamp=one, why="another time")),
        ages.map(lambda age: replace(webhook, at=NOW + age, why="a replay")),
        st.sampled_from(recut),
        st.just(replace(other, signature=signature, why="this signature on another")),
    ).filter(
        lambda forged: (
            (forged.body, forged.signature, forged.timestamp, forged.at)
            not in {(one.body, one.signature, one.timestamp, NOW) for one in (webhook, other)}
        )
    )


@pytest.mark.proof
@settings(max_examples=proof_size(test=300, prove=10_000), deadline=None)
@given(data=st.data())
def test_no_forgery_is_accepted(data: st.DataObject) -> None:
    webhook, other = data.draw(st.sampled_from([(EVENTS, PARSED), (PARSED, EVENTS)]))
    forged = data.draw(forgeries(webhook, other))

    assert webhook.accepted()
    assert not forged.accepted(), forged.why
    # However long the window, only what was signed is accepted.
    if forged.why != "a replay":
        assert not forged.accepted(window=timedelta(days=36_500)), forged.why


def test_the_window_is_five_minutes_to_both_sides_unless_told() -> None:
    for age, taken in ((299, True), (300, True), (301, False)):
        for at in (NOW + timedelta(seconds=age), NOW - timedelta(seconds=age)):
            assert replace(EVENTS, at=at).accepted() is taken
    later = replace(EVENTS, at=NOW + timedelta(hours=23))
    assert later.accepted(window=timedelta(days=1))


def test_the_key_before_the_last_rotation_is_still_good() -> None:
    assert EVENTS.accepted(OLD_KEY, KEY)
    assert not EVENTS.accepted(OLD_KEY)
    assert not is_signed(EVENTS.body, EVENTS.signature, EVENTS.timestamp, (), now=NOW)


def test_a_verification_key_may_be_written_as_pem_or_on_several_lines() -> None:
    text = SENDGRID.public_key
    pem = f"-----BEGIN PUBLIC KEY-----\n{text[:64]}\n{text[64:]}\n-----END PUBLIC KEY-----\n"

    assert EVENTS.accepted(public_key(pem))


def _other_curve() -> str:
    key = ec.generate_private_key(ec.SECP384R1()).public_key()
    return base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


@pytest.mark.parametrize("text", ["", "key", "é", "A" * 124, SENDGRID.public_key[:-8], _other_curve()])
def test_what_is_no_verification_key_is_a_wrong_setting(text: str) -> None:
    with pytest.raises(Misconfigured):
        public_key(text)


def _der(r: int, s: int) -> bytes:
    numbers = [n.to_bytes(n.bit_length() // 8 + 1) for n in (r, s)]
    inner = b"".join(b"\x02" + bytes([len(n)]) + n for n in numbers)
    return b"\x30" + bytes([len(inner)]) + inner
