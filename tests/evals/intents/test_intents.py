"""The intents' classifier: trained on the lessons that lie here."""

import hashlib
from importlib import resources

import numpy as np
import pytest

from agent.signals import classifier
from evals.intents.train import INTENTS, lessons


def test_it_was_trained_on_the_lessons_that_lie_here() -> None:
    text, _ = lessons()
    with (
        resources.as_file(resources.files("agent.models.offline").joinpath("intents.npz")) as path,
        np.load(path) as data,
    ):
        assert str(data["trained_on"]) == hashlib.sha256(text.encode()).hexdigest()
        assert tuple(data["names"]) == INTENTS


def test_lessons_are_of_three_authors_in_two_languages_and_agree() -> None:
    _, read = lessons()
    assert len(read) >= 4000
    assert {lesson.id[0] for lesson in read} == {"a", "b", "c"}
    assert {lesson.lang for lesson in read} == {"en", "es"}
    said: dict[str, set[frozenset[str]]] = {}
    for lesson in read:
        said.setdefault(lesson.text.casefold(), set()).add(frozenset(lesson.intents))
    assert len(said) >= 0.99 * len(read)
    assert [text for text, wants in said.items() if len(wants) > 1] == []
    assert not [lesson.id for lesson in read if {"pay", "hedge"} <= set(lesson.intents)]


@pytest.mark.parametrize("text", ["", "ok", "5551234567", "a" * 5000, "\u202e\u0000\ud7ff"])
def test_anything_can_be_read(text: str) -> None:
    margins = classifier.load("agent.models.offline", "intents.npz").margins(text)
    assert set(margins) == set(INTENTS)
    assert all(np.isfinite(margin) for margin in margins.values())
