"""The page of a full run: what was asked, and what of somebody else was told."""

from tests.agent.engine.isolation.books import HOSTILE_IDS
from tests.agent.engine.isolation.reads import ERRORS, NOTHING, SHAPES
from tests.agent.engine.isolation.run import Outcome


def page(outcome: Outcome, tables: int) -> str:
    """The report."""
    raw = [kind for kind in outcome.reads if kind in {*SHAPES, *NOTHING, *ERRORS}]
    product = [kind for kind in outcome.reads if kind not in raw]

    def asked(kinds: list[str]) -> int:
        return sum(outcome.reads[kind] for kind in kinds)

    lines = [
        "# One customer at a time",
        "",
        "Written by `make prove` (`tests/agent/engine/isolation/test_reads.py`). Customers whose ids look alike, like patterns and",
        f"like SQL ({len(HOSTILE_IDS)} of them) have rows with a mark of their own in each of the {tables} tables that hold anything of",
        "anybody. Connections narrowed to one of them, or to a name that nobody has, ask for the others: raw SQL over every table,",
        "and every named statement of the agent and its tools that reads, with other customers' ids, rows and words. Every answer and",
        "every error is searched for marks of others; a test shows that the same reads by a role that is not narrowed find them.",
        "What is not shown: that role and setting hold against a statement of our own that changes them. No tool takes SQL.",
        "",
        f"- reads: {outcome.reads.total():,}, of which {asked(raw):,} raw and {asked(product):,} of the product; {outcome.by_nobody:,} by a name of no customer",
        f"- told something of their own customer: {outcome.own.total():,}; refused: {outcome.refused.total():,}",
        f"- **foreign rows: {outcome.foreign.total()}**",
        "",
        "| read | asked | told of their own | refused | foreign |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {kind if kind in raw else f'`{kind}`'} | {outcome.reads[kind]:,} | {outcome.own[kind]:,} | {outcome.refused[kind]:,} "
        f"| {outcome.foreign[kind]} |"
        for kind in [*raw, *sorted(product)]
    ]
    return "\n".join([*lines, ""])
