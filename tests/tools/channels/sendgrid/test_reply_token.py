"""Signed tokens: read back in any case, for their purpose, by whoever has the key; nothing else is."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.proofs import proof_size
from tools.channels.sendgrid.reply_token import Purpose, Tokens
from tools.errors import Misconfigured

TOKENS, HOST = Tokens({"a": b"first key of thirty-two bytes ...."}), "parse.seller.example"
ROWS = st.integers(1, 2**63 - 1)
PURPOSES: list[Purpose] = ["reply", "unsubscribe"]
CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


@given(row=ROWS, purpose=st.sampled_from(PURPOSES))
def test_a_token_is_read_back_in_any_case_and_for_its_purpose_only(row: int, purpose: Purpose) -> None:
    token = TOKENS.sign(purpose, row)
    other = PURPOSES[1 - PURPOSES.index(purpose)]

    assert re.fullmatch(r"[a-z0-9]{19,30}", token)
    assert TOKENS.read(purpose, token) == TOKENS.read(purpose, token.upper()) == TOKENS.read(purpose, token.title()) == row  # fmt: skip
    assert TOKENS.read(other, token) is None


@pytest.mark.proof
@settings(max_examples=proof_size(test=200, prove=10_000))
@given(row=ROWS, data=st.data())
def test_a_token_that_was_tampered_with_is_none(row: int, data: st.DataObject) -> None:
    token = TOKENS.sign("reply", row)
    at = data.draw(st.integers(0, len(token) - 1))
    character = data.draw(st.sampled_from(CHARACTERS + "=-+_ é\x00"))
    tampered = data.draw(
        st.sampled_from([
            token[:at] + character + token[at + 1 :], token[:at] + character + token[at:], token[:at], token[at:], token[::-1],
            token + character, token + token, token.replace("a", "ａ"), " " + token, token + "\n", token[0] + token,
        ])
        | st.text(CHARACTERS, min_size=19, max_size=30)
        | st.text(max_size=40)
    )  # fmt: skip

    if tampered.lower() != token:
        assert TOKENS.read("reply", tampered) is None
        assert TOKENS.answered([f"reply+{tampered}@{HOST}"], HOST) is None


def test_a_new_key_signs_and_the_old_one_is_read_until_it_is_taken_away() -> None:
    new = b"second key of thirty-two bytes ..."
    rotated, ended = Tokens({"b": new, "a": b"first key of thirty-two bytes ...."}), Tokens({"b": new})
    old = TOKENS.sign("reply", 71)

    assert rotated.read("reply", old) == 71
    assert rotated.sign("reply", 71)[0] == "b"
    assert ended.read("reply", rotated.sign("reply", 71)) == 71
    assert ended.read("reply", old) is None


def test_another_key_of_the_same_name_is_another_key() -> None:
    assert (
        Tokens({"a": b"somebody else's key of 32 bytes .."}).read("reply", TOKENS.sign("reply", 71)) is None
    )


def test_a_reply_address_fits_the_part_before_the_at_of_the_largest_row() -> None:
    address = TOKENS.reply_address(2**63 - 1, HOST)

    assert len(address.partition("@")[0]) <= 64
    assert TOKENS.answered([address.upper()], HOST.upper()) == 2**63 - 1


def test_the_address_is_found_among_others_and_only_at_our_host() -> None:
    one, two = TOKENS.reply_address(71, HOST), TOKENS.reply_address(72, HOST)

    assert TOKENS.answered(["dana@buyer.example", one, "", "reply+@" + HOST], HOST) == 71
    assert TOKENS.answered([one, one.upper()], HOST) == 71
    assert TOKENS.answered([one, two], HOST) is None  # which one, nobody can say
    assert TOKENS.answered([TOKENS.reply_address(71, "elsewhere.example")], HOST) is None
    assert TOKENS.answered([f"reply+{TOKENS.sign('unsubscribe', 71)}@{HOST}"], HOST) is None
    assert TOKENS.answered([], HOST) is None


@pytest.mark.parametrize("keys", [{}, {"a": b"short"}, {"": b"k" * 32}, {"A": b"k" * 32}, {"ab": b"k" * 32}])
def test_keys_that_protect_nothing_are_a_wrong_setting(keys: dict[str, bytes]) -> None:
    with pytest.raises(Misconfigured):
        Tokens(keys)
