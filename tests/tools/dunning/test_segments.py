"""SMS are counted as carriers count them, and typography is not paid for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.dunning.segments import MAX_SEGMENTS, segments, sms_text, visible


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 459, 3),
        ("a" * 460, 4),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 152, 3),  # an escape and its character stay together
        ("é" * 160, 1),
        ("í" * 70, 1),
        ("í" * 71, 2),
        ("í" * 201, 3),
        ("í" * 202, 4),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("í" * 66 + "😀" * 3, 2),
    ],
)
def test_segments_are_counted(text: str, count: int) -> None:
    assert segments(text) == count


def test_accents_stay_while_the_text_fits_and_go_when_it_would_not() -> None:
    assert sms_text("Díganos si está bien") == "Díganos si está bien"
    assert sms_text("Díganos, señor, qué está mal. " * 7).startswith("Diganos, señor, qué esta mal.")


@given(st.text())
def test_plain_text_never_takes_more_segments_and_stays_plain(text: str) -> None:
    plain = sms_text(visible(text))
    assert sms_text(plain) == plain or segments(plain) <= MAX_SEGMENTS
    assert visible(plain) == plain


def test_a_backtick_is_typography_although_it_is_ascii() -> None:
    assert sms_text("it`s") == "it's"
