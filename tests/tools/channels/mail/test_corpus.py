"""Every mail of the corpus comes out right: what was said, nothing lost, nothing that acts, nobody mistaken for a machine."""

import dataclasses
import re
from datetime import UTC, datetime

import pytest
from selectolax.lexbor import LexborHTMLParser

from tests.tools.channels.mail.corpus import CASES
from tests.tools.channels.mail.written import HEAD, Case, body, mail
from tools.channels.mail.read import read_mail

_ALLOWED = {"title", "colspan", "rowspan"}


def assert_inert(markup: str) -> None:
    """Another parser than the one that wrote it finds nothing that can act or fetch."""
    for node in LexborHTMLParser(markup).css("*"):
        assert node.tag not in {
            "script",
            "style",
            "img",
            "a",
            "form",
            "input",
            "iframe",
            "object",
            "embed",
            "svg",
            "link",
            "meta",
            "base",
            "video",
            "audio",
        }
        assert set(node.attributes) <= _ALLOWED, node.html


def test_the_corpus_is_as_large_as_promised() -> None:
    assert len(CASES) >= 40
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_mail_of_the_corpus_is_read_right(case: Case) -> None:
    read = read_mail(case.raw, ours={"ours.example"})
    assert read.said == case.said
    words = re.findall(r"\w+", read.text)
    missing = [word for word in re.findall(r"\w+", case.holds) if word not in words]
    assert not missing
    assert not [word for word in case.lacks if word in read.text or word in (read.html or "")]
    assert_inert(read.html or "")
    expected = {"automatic": None, "forwarded": False, "unstripped": False, "cut": False, **case.fields}
    got = {name: getattr(read, name) for name in expected}
    if "attachments" in expected:
        got["attachments"] = tuple(map(dataclasses.astuple, read.attachments))
    if "bounce" in expected:
        got["bounce"] = dataclasses.astuple(read.bounce) if read.bounce else None
    assert got == expected


def test_the_headers_that_hold_a_thread_together_are_read() -> None:
    read = read_mail(mail(body("Hi.")))
    assert read.sender is not None
    assert (read.sender.address, read.sender.name, read.sender.domain) == (
        "ana@example.com",
        "Ana Peña",
        "example.com",
    )
    assert [each.address for each in read.recipients] == ["reply+token@parse.example.net"]
    assert (read.message_id, read.in_reply_to) == ("<m1@example.com>", "<out-7@example.net>")
    assert read.references == ("<out-6@example.net>", "<out-7@example.net>")
    assert read.sent_at == datetime(2026, 11, 2, 9, tzinfo=UTC)
    assert read.damaged is False


@pytest.mark.parametrize(
    ("line", "address"),
    [
        ("ana@example.com", "ana@example.com"),
        ('"Peña, Ana" <ana@example.com>', "ana@example.com"),
        ("ana@example.com <ana@example.com>", "ana@example.com"),
        ("boss@bank.example <ana@example.com>", "ana@example.com"),
        ("=?utf-8?q?Ana_Pe=C3=B1a?= <ana@example.com>", "ana@example.com"),
        ("ana@example.com, eve@example.org", None),
        ("<boss@bank.example> <eve@example.org>", None),
        ("boss@bank.example)eve@example.org", None),
        ("Ana", None),
        ("ana@example.com@example.org", None),
        ("", None),
    ],
)
def test_a_sender_is_one_address_or_nobody(line: str, address: str | None) -> None:
    read = read_mail(
        mail(body("Hi."), head=HEAD.replace("Ana Peña <ana@example.com>".encode(), line.encode()))
    )
    assert (read.sender.address if read.sender else None) == address
