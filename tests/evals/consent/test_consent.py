"""Our messages and what was made of them belong together, and the page says what was published."""

import hashlib
from importlib import resources

import numpy as np
import pytest

from evals.consent.measure import KEYWORDS, SIGNALS, first_round, load, measure, read
from evals.consent.page import cell, page
from evals.consent.train import CAUTIOUS, FALSE_ALARMS, author, features, thresholds


def test_the_classifier_was_trained_on_the_messages_that_lie_here() -> None:
    with np.load(str(resources.files("agent.signals").joinpath("classifier.npz"))) as data:
        assert str(data["trained_on"]) == hashlib.sha256((load("messages.jsonl") or "").encode()).hexdigest()
        assert tuple(data["names"]) == SIGNALS


def test_every_message_has_an_id_of_its_own_and_names_its_author() -> None:
    messages = read(load("messages.jsonl") or "")
    assert len({message.id for message in messages}) == len(messages)
    assert {author(message) for message in messages} == {"own-", "f", "dev-d", "a", "b", "c"}


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


def test_a_threshold_is_what_few_of_the_others_exceed() -> None:
    """The first author's scores are not counted, and no threshold is below what a rare signal's bias says."""
    messages = [
        *read(
            '{"id": "own-1", "language": "en", "channel": "sms", "text": "hi", "signals": [], "keyword_opt_out": false}'
        ),
        *(
            read(
                f'{{"id": "z{n}", "language": "en", "channel": "sms", "text": "hi", "signals": [], "keyword_opt_out": false}}'
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
    short, long = read(
        '{"id": "x1", "language": "en", "channel": "sms", "text": "one word", "signals": [], "keyword_opt_out": false}\n'
        '{"id": "x2", "language": "en", "channel": "sms", "text": "a good many more words than that", "signals": [], "keyword_opt_out": false}'
    )
    rows = features([short, long])
    assert float(rows[0].multiply(rows[0]).sum()) == pytest.approx(
        float(rows[1].multiply(rows[1]).sum()), rel=0.05
    )
