"""Whatever arrives is read: no bytes raise, no markup acts, no mail takes long."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from tests.proofs import proof_size
from tests.tools.channels.mail.corpus import CASES
from tests.tools.channels.mail.test_corpus import assert_inert
from tests.tools.channels.mail.written import HEAD, body, mail
from tools.channels.mail import said
from tools.channels.mail.markup import read_html
from tools.channels.mail.model import Mail
from tools.channels.mail.read import LONGEST_TEXT, read_mail

_SMALL = [case.raw for case in CASES if len(case.raw) < 20_000]
_MARKUP = [
    "<", ">", "</", "/>", "<!--", "-->", "<![CDATA[", "]]>", "<!", "<?", '"', "'", "`", "=", "&", "&lt;", "&#x3c;", "&quot;", "&#0;", " ",
    "\n", "\0", "script", "<script>", "</script>", "<style>", "</style>", "<svg", "<math><mi>", "<img src=x onerror=alert(1)>",
    "<a href=javascript:alert(1)>", "<a href='\"><script>'>", "<div style='display:none'>", "</div>", "<p", "<b a=", "<td colspan=",
    "<iframe srcdoc=", "<noscript><p title='</noscript><img src=x onerror=1>'>", "<template>", "<textarea>", "<title>", "<xmp>",
    "<blockquote>", "<pre>", "onload=x()", "src=//t.example/p.gif", "background=x", "url(x)", "x",
]  # fmt: skip


def assert_bounded(read: Mail) -> None:
    assert len(read.text) <= LONGEST_TEXT
    assert len(read.said) <= said.LONGEST
    for text in (
        read.text,
        read.said,
        read.subject,
        read.html or "",
        *(each.name for each in read.attachments),
    ):
        assert "\0" not in text  # Postgres takes none
        text.encode()  # no lone surrogates
    assert "\n" not in read.subject
    assert bool(read.said) == bool(read.said.strip())
    assert_inert(read.html or "")


@pytest.mark.proof
@settings(max_examples=proof_size(test=150, prove=10_000), deadline=None)
@given(st.binary(max_size=3_000))
def test_any_bytes_at_all_are_read(raw: bytes) -> None:
    assert_bounded(read_mail(raw))


@pytest.mark.proof
@settings(max_examples=proof_size(test=150, prove=10_000), deadline=None)
@given(st.data())
def test_a_damaged_mail_is_read_as_far_as_it_goes(data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from(_SMALL)))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, max(0, len(raw) - 1)))
        piece = data.draw(
            st.binary(max_size=6)
            | st.sampled_from([b"\r\n", b"\r\n\r\n", b"--", b"=?", b"?=", b'"', b"(", b";", b"<"])
        )
        raw[at : at + data.draw(st.integers(0, 40))] = piece
    assert_bounded(read_mail(bytes(raw)))


@pytest.mark.proof
@settings(max_examples=proof_size(test=300, prove=20_000), deadline=None)
@given(st.lists(st.sampled_from(_MARKUP) | st.text(max_size=4), max_size=40))
def test_sanitised_html_can_never_act(pieces: list[str]) -> None:
    _, markup = read_html("".join(pieces))
    assert_inert(markup)


@given(
    st.lists(st.sampled_from(["p", "div", "b", "td", "blockquote", "ul", "li", "pre", "span"]), max_size=12),
    st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_no_visible_word_is_lost_in_html(tags: list[str], closed: bool) -> None:
    source = "".join(f"<{tag}>word{index} " for index, tag in enumerate(tags))
    source += "".join(f"</{tag}>tail{index} " for index, tag in enumerate(reversed(tags))) if closed else ""
    text, markup = read_html(source)
    expected = LexborHTMLParser(source).text().split()
    assert sorted(text.replace(">", " ").replace("- ", " ").split()) == sorted(expected)
    assert sorted(LexborHTMLParser(markup).text(separator=" ").split()) == sorted(expected)


_TEXT, _HTML = HEAD + b"Content-Type: text/plain\r\n\r\n", HEAD + b"Content-Type: text/html\r\n\r\n"
_SIZE = proof_size(test=150_000, prove=2_000_000)
_HOSTILE = {
    "empty lines": (_TEXT, b"\n"),
    "On On On": (_TEXT, b"On "),
    "attributions": (_TEXT, b"On 12.12.2026 a wrote:\n"),
    "signatures": (_TEXT, b"--\n"),
    "our opt-out line begun": (_TEXT, b"If   \n> "),
    "nested divs": (_HTML, b"<div>"),
    "attributes": (_HTML + b"<b ", b"a=1 "),
    "unclosed pictures": (_HTML, b"<svg>"),
    "comments": (_HTML, b"<!--"),
    "ampersands": (_HTML, b"&"),
    "unclosed lists": (_HTML, b"<ul><li>x"),
    "unclosed formatting": (_HTML, b"<p><b a=1>x"),
    "encoded words": (b"Subject: ", b"=?utf-8?q?a?= "),
    "comments in an address": (b"From: ", b"("),
    "parameters": (b"Content-Type: text/plain; ", b'a="'),
    "parts": (b"Content-Type: multipart/mixed; boundary=x\n\n", b"--x\n\n"),
    "mails in mails": (b"", b"Content-Type: message/rfc822\n\n"),
    "multiparts in multiparts": (b"", b"Content-Type: multipart/mixed; boundary=x\n\n--x\n"),
    "empty reports": (b"Content-Type: message/delivery-status\n\n", b"\n"),
    "punycode": (HEAD + b"Content-Type: text/plain; charset=idna\n\n", b"a."),
}


@pytest.mark.parametrize("shape", _HOSTILE)
def test_a_mail_made_to_take_long_is_read(shape: str) -> None:
    """Each of these takes minutes where something is quadratic: that run is stopped, it does not pass."""
    head, piece = _HOSTILE[shape]
    assert_bounded(read_mail(head + piece * (_SIZE // len(piece))))


def test_a_charset_that_evaluates_is_not_used() -> None:
    assert (
        read_mail(mail(body(b"+ADw-script+AD4- \\x41", "text/plain; charset=utf-7"))).text
        == "+ADw-script+AD4- \\x41"
    )
    assert read_mail(mail(body(b"\\x41", "text/plain; charset=unicode_escape"))).text == "\\x41"
