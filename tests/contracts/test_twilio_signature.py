"""Signatures, with the SDK's own functions as the other side: what Twilio signs is accepted, and no forgery is."""

from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.request_validator import (  # type: ignore[import-untyped]  # the SDK ships no py.typed
    HMAC_SHA1,
    HMAC_SHA256,
    RequestValidator,
)

from tests.contracts.mutations import Webhook, forgeries, recuts
from tests.proofs import proof_size
from tools.channels.twilio.signature import Algorithm, Keys, is_signed, public_url
from tools.channels.twilio.webhook import inbound, read_form, status
from tools.errors import Invalid

BASE = "https://dunwell.example"
TOKEN, OLD_TOKEN, KEY_ID, KEY = "5" * 32, "6" * 32, "webhooks_sharedkey_1", "shared secret"
PINNED: dict[Algorithm, Keys] = {
    "HMAC_SHA1": Keys("HMAC_SHA1", (TOKEN, OLD_TOKEN), {KEY_ID: KEY}),
    "HMAC_SHA256": Keys("HMAC_SHA256", (TOKEN, OLD_TOKEN), {KEY_ID: KEY, "empty": ""}),
}
TEXT = {
    "ToCountry": "US", "ToState": "IL", "SmsMessageSid": "SM" + "a" * 32, "NumMedia": "0", "ToCity": "", "FromZip": "",
    "SmsSid": "SM" + "a" * 32, "FromState": "IL", "SmsStatus": "received", "FromCity": "", "Body": " I'll pay 100% + VAT – ok? ",
    "FromCountry": "US", "To": "+13125550199", "ToZip": "", "NumSegments": "1", "MessageSid": "SM" + "a" * 32,
    "AccountSid": "AC" + "1" * 32, "From": "+13125550100", "ApiVersion": "2010-04-01",
}  # fmt: skip
STATUS = {
    "SmsSid": "SM" + "b" * 32, "SmsStatus": "undelivered", "MessageStatus": "undelivered", "To": "+13125550100",
    "MessageSid": "SM" + "b" * 32, "AccountSid": "AC" + "1" * 32, "From": "+13125550199", "ApiVersion": "2010-04-01",
    "ErrorCode": "30003",
}  # fmt: skip


def signed(target: str, form: dict[str, str], algorithm: Algorithm, secret: str | None = None) -> Webhook:
    """As Twilio signs it."""
    sha256 = algorithm == HMAC_SHA256
    validator = RequestValidator(secret or (KEY if sha256 else TOKEN))
    signature = validator.compute_signature(BASE + target, form, algorithm)
    named = f"key={KEY_ID},algorithm={HMAC_SHA256}" if sha256 else None
    return Webhook(target, urlencode(form).encode(), signature, named)


def accepted(webhook: Webhook, keys: Keys) -> bool:
    """As an endpoint does it: a form that cannot be read is refused as one that nobody signed."""
    path, _, query = webhook.target.partition("?")
    url = public_url(BASE, path.encode(), query.encode())
    try:
        form = read_form(webhook.body)
    except Invalid:
        return False
    return is_signed(url, form, webhook.signature, webhook.settings, keys)


WEBHOOKS = {
    algorithm: (
        signed("/webhooks/twilio/text", TEXT, algorithm),
        signed("/webhooks/twilio/status?key=71", STATUS, algorithm),
    )
    for algorithm in PINNED
}


@pytest.mark.parametrize("algorithm", PINNED)
@given(form=st.dictionaries(st.text(min_size=1, max_size=12), st.text(max_size=40), min_size=1, max_size=8))
def test_whatever_twilio_signs_is_accepted(algorithm: Algorithm, form: dict[str, str]) -> None:
    assert accepted(signed("/webhooks/twilio/text?a=b%20c&d=", form, algorithm), PINNED[algorithm])


@pytest.mark.parametrize("algorithm", PINNED)
@pytest.mark.proof
@settings(max_examples=proof_size(test=60, prove=5_000))
@given(data=st.data())
def test_no_forgery_is_accepted(algorithm: Algorithm, data: st.DataObject) -> None:
    text, update = WEBHOOKS[algorithm]
    webhook, other = data.draw(st.sampled_from([(text, update), (update, text)]))
    forged = data.draw(forgeries(webhook, other))

    assert accepted(webhook, PINNED[algorithm])
    assert not accepted(forged, PINNED[algorithm]), forged.why


@pytest.mark.parametrize("algorithm", PINNED)
@pytest.mark.proof
@settings(max_examples=proof_size(test=40, prove=2_000))
@given(data=st.data())
def test_a_signed_text_cut_anew_says_the_same_or_is_refused(
    algorithm: Algorithm, data: st.DataObject
) -> None:
    """The signature cannot tell: names and values run together in it."""
    text, _ = WEBHOOKS[algorithm]
    cut = data.draw(recuts(text))

    assert accepted(cut, PINNED[algorithm]) or cut.target != text.target
    try:
        read, original = inbound(read_form(cut.body)), inbound(read_form(text.body))
    except Invalid:
        return
    assert cut.target == text.target
    for name in ("sid", "account", "to", "from_", "body"):
        assert getattr(read, name) == getattr(original, name)


@pytest.mark.proof
@settings(max_examples=proof_size(test=40, prove=2_000))
@given(data=st.data())
def test_a_status_cut_anew_is_of_the_same_message_and_never_better_news(data: st.DataObject) -> None:
    _, update = WEBHOOKS["HMAC_SHA1"]
    cut = data.draw(recuts(update))
    try:
        read = status(read_form(cut.body), cut.target.partition("?")[2].encode())
    except Invalid:
        return

    assert (read.sid, read.account, read.key) == ("SM" + "b" * 32, "AC" + "1" * 32, "71")
    assert read.stage in ("failed", None)


@pytest.mark.parametrize(
    "path", [";", ":8443{}", "{};", "{}#", "{}#x", "@evil.example{}", "{}/", "/{}", "{}?a=1"]
)
def test_a_url_that_a_parser_would_tidy_up_is_another_url(path: str) -> None:
    text, _ = WEBHOOKS["HMAC_SHA1"]
    tidied = Webhook(path.format(text.target), text.body, text.signature)

    assert not accepted(tidied, PINNED["HMAC_SHA1"])


def test_the_token_before_the_last_rotation_is_still_good() -> None:
    webhook = signed("/webhooks/twilio/text", TEXT, "HMAC_SHA1", OLD_TOKEN)

    assert accepted(webhook, PINNED["HMAC_SHA1"])
    assert not accepted(webhook, Keys("HMAC_SHA1", (TOKEN,)))


def test_an_endpoint_pinned_to_sha256_takes_nothing_that_the_token_signed() -> None:
    by_token = signed("/webhooks/twilio/text", TEXT, "HMAC_SHA1")
    stronger = RequestValidator(TOKEN).compute_signature(BASE + by_token.target, TEXT, HMAC_SHA256)
    sha256_by_token = Webhook(by_token.target, by_token.body, stronger, f"algorithm={HMAC_SHA256}")

    assert not accepted(by_token, PINNED["HMAC_SHA256"])
    assert not accepted(sha256_by_token, PINNED["HMAC_SHA256"])


@pytest.mark.parametrize(
    "settings_header",
    [None, "", "algorithm=HMAC_SHA256", f"key={KEY_ID}", f"key={KEY_ID},algorithm=HMAC_SHA1", f"key={KEY_ID},algorithm=none",
     "key=other,algorithm=HMAC_SHA256", f"key=other,key={KEY_ID},algorithm=HMAC_SHA256"],
)  # fmt: skip
def test_a_true_signature_under_other_settings_is_refused(settings_header: str | None) -> None:
    text, _ = WEBHOOKS["HMAC_SHA256"]

    assert not accepted(
        Webhook(text.target, text.body, text.signature, settings_header), PINNED["HMAC_SHA256"]
    )


def test_an_endpoint_without_secrets_takes_nothing() -> None:
    webhook = Webhook(
        "/x", b"a=1", RequestValidator("").compute_signature(BASE + "/x", {"a": "1"}, HMAC_SHA1)
    )

    assert not accepted(webhook, Keys("HMAC_SHA1", ("",)))
    assert not accepted(webhook, Keys("HMAC_SHA1"))


def test_a_key_whose_secret_is_empty_signs_nothing() -> None:
    signature = RequestValidator("").compute_signature(BASE + "/x", {"a": "1"}, HMAC_SHA256)

    assert not accepted(
        Webhook("/x", b"a=1", signature, f"key=empty,algorithm={HMAC_SHA256}"), PINNED["HMAC_SHA256"]
    )


def test_no_secret_shows_in_what_is_printed() -> None:
    assert TOKEN not in repr(PINNED["HMAC_SHA1"])
    assert KEY not in repr(PINNED["HMAC_SHA256"])
