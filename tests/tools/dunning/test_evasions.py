"""No way of writing it gets past the reading of the finished text, and harmless sentences do."""

import pytest

from tests.tools.dunning.accounts import said
from tests.tools.dunning.evasions import DENIED, HARMLESS, REFUSED_ALL_THE_SAME, UNTRACED
from tools.dunning.errors import Undraftable


@pytest.mark.parametrize(
    ("kind", "text"), [(kind, text) for kind, texts in UNTRACED.items() for text in texts]
)
def test_a_figure_that_no_record_explains_is_refused_however_it_is_written(kind: str, text: str) -> None:
    try:
        draft = said(f"Hello, please note: {text} and thanks.", invoices=["i1"])
    except Undraftable:
        return  # refused before it is read: no placeholder of ours
    assert draft.untraced or draft.denied, kind


@pytest.mark.parametrize(("rule", "text"), DENIED)
def test_denied_wording_is_found_however_it_is_hidden(rule: str, text: str) -> None:
    found = said(f"Hello, {text} thanks").denied
    assert any(hit.startswith((f"{rule}: ", "disguise: ")) for hit in found), found


@pytest.mark.parametrize("text", HARMLESS)
@pytest.mark.parametrize("channel", ["sms", "email"])
def test_a_harmless_sentence_passes(text: str, channel: str) -> None:
    draft = said(text, channel=channel)
    assert not list(draft.untraced)
    assert not list(draft.denied)


@pytest.mark.parametrize(("rule", "text"), REFUSED_ALL_THE_SAME)
def test_some_honest_sentences_are_refused_and_we_know_which(rule: str, text: str) -> None:
    """What a rule costs is listed: one that passes by now belongs to the harmless sentences."""
    assert any(hit.startswith(f"{rule}: ") for hit in said(text).denied)


def test_the_table_is_as_large_as_it_says() -> None:
    evasions = [text for texts in UNTRACED.values() for text in texts] + [text for _, text in DENIED]
    assert len(set(evasions)) >= 240
    assert len(set(HARMLESS)) >= 120
