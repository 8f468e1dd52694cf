"""Our messages and what was made of them belong together, and the page says what was published."""

import hashlib
from importlib import resources

import numpy as np
import pytest

from agent.signals.reading import plain_words
from evals.consent.measure import KEYWORDS, SIGNALS, first_round, load, measure, read
from evals.consent.page import cell, page
from evals.consent.train import CAUTIOUS, FALSE_ALARMS, Words, author, thresholds


def _all() -> str:
    return (load("messages.jsonl") or "") + (load("lessons.jsonl") or "")


def test_the_classifier_was_trained_on_the_messages_that_lie_here() -> None:
    with np.load(str(resources.files("agent.signals").joinpath("classifier.npz"))) as data:
        assert str(data["trained_on"]) == hashlib.sha256(_all().encode()).hexdigest()
        assert tuple(data["names"]) == SIGNALS


def test_every_message_has_an_id_of_its_own_and_names_its_author() -> None:
    messages = read(_all())
    assert len({message.id for message in messages}) == len(messages)
    assert {author(message) for message in read(load("messages.jsonl") or "")} == {"own-", "f"}
    lessons = {author(message) for message in read(load("lessons.jsonl") or "")}
    assert lessons == {"dev-d", "a", "b", "c", "d", "e", "g", "i", "j", "k"}


def test_a_label_that_is_no_signal_is_refused() -> None:
    line = '{"id": "x1", "language": "en", "channel": "sms", "text": "hi", "signals": ["joy"], "keyword_opt_out": false}'
    with pytest.raises(KeyError, match="joy"):
        read(line)


def test_what_is_missed_and_what_is_raised_in_vain_is_counted_and_named() -> None:
    lines = (
        '{"id": "x1", "language": "en", "channel": "sms", "text": "STOP", "signals": ["opt_out"], "keyword_opt_out": true}\n'
        '{"id": "x2", "language": "en", "channel": "sms", "text": "hi", "signals": [], "keyword_opt_out": false}\n'
    )
    nothing = measure("x", lines, lambda _: set())
    everything = measure("x", lines, lambda _: {"opt_out"})
    assert (nothing.recall[KEYWORDS].hits, nothing.recall[KEYWORDS].failing) == (0, ["x1"])
    assert (everything.false_alarms["opt_out"].hits, everything.false_alarms["opt_out"].failing) == (
        1,
        ["x2"],
    )


def test_the_page_keeps_the_first_rounds_figures() -> None:
    lines = '{"id": "x1", "language": "en", "channel": "sms", "text": "STOP", "signals": ["opt_out"], "keyword_opt_out": true}'
    first = first_round()
    shown = page([measure("ours", lines)], first, "0")
    assert cell(first.recall["wrong_party"]) == "79.2% 19 / 24 [59.5%, 90.8%]"
    assert cell(first.recall["wrong_party"]) in shown


def test_a_threshold_is_what_few_ordinary_messages_exceed() -> None:
    """Who wrote no ordinary mix is not counted, and no threshold is below what a rare signal's bias says."""
    messages = [
        *read(
            '{"id": "own-1", "language": "en", "channel": "sms", "text": "hi", "signals": [], "keyword_opt_out": false}'
        ),
        *(
            read(
                f'{{"id": "a{n}", "language": "en", "channel": "sms", "text": "hi", "signals": [], "keyword_opt_out": false}}'
            )[0]
            for n in range(201)
        ),
    ]
    scores = np.tile(np.array([[99.0], *([[n / 100] for n in range(201)])]), (1, len(SIGNALS)))
    assert thresholds(messages, scores).tolist() == pytest.approx(
        [2 - 2 * FALSE_ALARMS[name] for name in SIGNALS]
    )
    assert thresholds(messages, scores - 100).tolist() == [CAUTIOUS[name] for name in SIGNALS]


def test_long_and_short_messages_weigh_alike() -> None:
    text = "stop stop now"
    line = '{{"id": "x1", "language": "en", "channel": "sms", "text": "{}", "signals": [], "keyword_opt_out": false}}\n'
    lines = (line.format(said) for said in (text, f"{text} and a good many more words", text))
    words = Words.of([plain_words(message.text) for message in read("".join(lines))])
    rows = words.matrix(words.rarity(np.array([True, True, True])))
    lengths = np.asarray(rows.multiply(rows).sum(axis=1)).ravel()
    assert lengths == pytest.approx([2.0, 2.0, 2.0])  # one for words, one for letters
