"""The form of SendGrid's Inbound Parse is split from raw bytes: no byte of the mail changes on the way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.channels.mail.corpus import CASES, RUSSIAN
from tests.tools.channels.mail.written import Case, body, mail
from tools.channels.mail.authentic import Verdict
from tools.channels.mail.inbound_parse import read_inbound, split
from tools.channels.mail.read import read_mail
from tools.errors import Invalid

TYPE = "multipart/form-data; boundary=xYzZY"
ENVELOPE = b'{"to":["reply+token@parse.example.net"],"from":"ana@example.com"}'


def form(**fields: bytes) -> bytes:
    """What SendGrid posts."""
    parts = (
        b'--xYzZY\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value)
        for name, value in fields.items()
    )
    return b"".join(parts) + b"--xYzZY--\r\n"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_mail_of_the_corpus_comes_through_byte_for_byte(case: Case) -> None:
    inbound = read_inbound(
        TYPE, form(envelope=ENVELOPE, dkim=b"{@example.com : pass}", SPF=b"pass", email=case.raw)
    )
    assert inbound.raw == case.raw
    assert inbound.to == ("reply+token@parse.example.net",)
    assert (inbound.envelope_from, inbound.spf) == ("ana@example.com", "pass")
    assert inbound.dkim == (Verdict("example.com", "pass"),)


@given(st.binary(max_size=500).filter(lambda raw: b"--xYzZY" not in raw))
def test_any_mail_comes_through_byte_for_byte(raw: bytes) -> None:
    assert split(TYPE, form(to=b"x", email=raw)) == {"to": b"x", "email": raw}


def test_two_megabytes_of_koi8_come_through() -> None:
    text = (RUSSIAN + "\r\n") * 70_000
    raw = mail(body(text.encode("koi8-r"), "text/plain; charset=koi8-r"))
    inbound = read_inbound(TYPE, form(charsets=b"{}", email=raw))
    assert len(inbound.raw) > 2_000_000
    assert read_mail(inbound.raw).said.startswith(f"{RUSSIAN}\n{RUSSIAN}\n")


def test_the_other_name_of_the_field_is_known() -> None:
    assert read_inbound(TYPE, form(rawEmail=b"From: a@b.example\r\n\r\nHi.")).raw.endswith(b"Hi.")


def test_parsed_mode_is_refused_with_what_to_do() -> None:
    with pytest.raises(Invalid, match=r"tick \"POST the raw, full MIME message\"") as refused:
        read_inbound(TYPE, form(envelope=ENVELOPE, text=b"private words", subject=b"x"))
    assert "private" not in str(refused.value)


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "multipart/form-data",
        "multipart/mixed; boundary=xYzZY",
        "multipart/form-data; boundary=other",
        "a\r\nb: c",
        "é",
    ],
)
def test_what_is_no_such_form_is_refused(kind: str) -> None:
    with pytest.raises(Invalid):
        read_inbound(kind, form(email=b"x"))


@pytest.mark.parametrize(
    "envelope", [b"", b"[]", b"null", b"{", b'{"to":7}', b'{"to":[null]}', b"\xff", b"[" * 100_000]
)
def test_an_envelope_that_cannot_be_read_names_nobody(envelope: bytes) -> None:
    inbound = read_inbound(TYPE, form(envelope=envelope, email=b"x"))
    assert (inbound.to, inbound.envelope_from) == ((), None)


@given(st.text(max_size=60), st.binary(max_size=300))
def test_any_body_is_a_mail_or_refused(kind: str, content: bytes) -> None:
    for content_type in (kind, f"multipart/form-data; boundary={kind}"):
        try:
            read_inbound(content_type, content)
        except Invalid:
            continue
