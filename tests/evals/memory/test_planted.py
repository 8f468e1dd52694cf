"""Planted facts: the task is honest, and the prompt holds what is asked for."""

import random
import re
from collections import Counter

from evals.memory.planted import Fact, facts, fillers, history, measure, talk
from tests.world import World, proposing

_SMALL = frozenset(
    [
        "that",
        "this",
        "what",
        "when",
        "where",
        "which",
        "with",
        "your",
        "they",
        "them",
        "have",
        "from",
        "into",
        "about",
        "does",
        "been",
        "after",
        "again",
        "some",
        "more",
        "than",
        "only",
        "there",
        "their",
        "will",
        "would",
        "should",
        "could",
    ]
)


def telling(text: str) -> set[str]:
    """Words that carry the matter, by their first five letters."""
    return {word[:5] for word in re.findall(r"[a-z]{4,}", text.lower()) if word not in _SMALL}


def test_there_are_enough_facts_and_fillers_and_most_questions_paraphrase() -> None:
    assert len(facts()) >= 60
    assert len(set(fillers())) >= 200
    assert sum(fact.far for fact in facts()) >= len(facts()) / 2
    shared = {fact.asked: telling(fact.said) & telling(fact.asked) for fact in facts() if fact.far}
    assert {asked: words for asked, words in shared.items() if len(words) > 1} == {}
    assert all(fact.key in fact.said for fact in facts())
    assert not any(fact.key in sentence for fact in facts() for _, sentence in fillers())


def test_a_fact_stands_exactly_as_far_back_as_it_says_and_all_else_is_talk() -> None:
    planted = facts()[:5]
    said = history(planted, 100, seed=1)

    for i, fact in enumerate(planted):
        assert fact.said in said[13 * i][1]
        assert said[13 * i + 100][1] == fact.asked
    assert len(said) == 13 * 4 + 101
    rnd = random.Random(1)
    assert max(Counter(talk(rnd) for _ in range(1000)).values()) < 40


async def test_facts_said_ten_a_hundred_and_a_thousand_messages_ago_are_in_the_prompt(world: World) -> None:
    """A sample; `evals.memory.planted.measure` with all of them is the figure."""
    sample: list[Fact] = list(facts())[::3]
    engine = world.engine(proposing())

    results = await measure(engine.deps, planted=sample)

    assert [result.back for result in results] == [10, 100, 1000]
    assert sum(result.found for result in results) >= 0.95 * sum(result.asked for result in results)
    assert max(result.tokens_most for result in results) <= 4000
