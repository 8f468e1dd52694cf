"""Twilio's error codes: each asks one thing of us, and an unlisted one asks for nothing."""

import pytest

from tools.channels.twilio.codes import CODES, meaning


@pytest.mark.parametrize(
    ("code", "kind"),
    [(21610, "suppress"), ("21211", "bad_address"), (21408, "account"), (20429, "not_taken"), (30003, "retry_later"),
     (30005, "bad_address"), (30006, "bad_address"), (30007, "filtered"), (30034, "filtered"), (30640, "suppress"),
     (30450, "filtered"), (30610, "retry_later"), (20003, "account")],
)  # fmt: skip
def test_what_each_code_asks_of_us(code: int | str, kind: str) -> None:
    assert meaning(code).kind == kind


@pytest.mark.parametrize("code", [99999, "", "+13125550100", "²", "30003 "])
def test_an_unlisted_code_is_unknown_and_only_a_number_is_repeated(code: int | str) -> None:
    assert meaning(code).kind == "unknown"
    assert meaning(code).code in ("?", "99999")


def test_no_meaning_is_empty_and_every_code_is_a_number() -> None:
    assert all(code.isdecimal() and one.words and one.code == code for code, one in CODES.items())
