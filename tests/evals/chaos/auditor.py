"""What the books alone do not tell: who read which words, and where they left to."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evals.chaos.books import Books
from evals.chaos.checks import Violation
from server.cli.ledger import show_thread
from server.cli.output import console
from tests.server.providers import Provider
from tests.world import World

# What may leave without a person in the mode `draft`: the reviewed answers to a stop.
_REVIEWED = frozenset({"opt_out_confirmation", "crisis", "acknowledgement"})
_HEADER = re.compile(r"  \d\d \w{3} \d\d:\d\d (?:sms|email|phone|letter) ")


def audit(
    world: World, books: Books, provider: Provider, conversations: Sequence[Sequence[Mapping[str, Any]]]
) -> Iterator[Violation]:
    """Every violation of what customers and reviewers were promised about what reaches them."""
    yield from _asked(books)
    yield from _addressed(world, books, provider)
    for conversation in conversations:
        yield from _shown(conversation)


def _asked(books: Books) -> Iterator[Violation]:
    """Who is in the mode `draft` hears nothing that no person approved."""
    approved = {row["id"] for row in books.decisions if row["approval_id"] is not None}
    for row in books.outbox:
        unasked = row["decision_id"] not in approved and row["purpose"] not in _REVIEWED
        if row["customer_id"] == "draft" and unasked:
            yield Violation("unauthorised", "draft-waits-for-a-person", f"outbox {row['id']}", row["purpose"])


def _addressed(world: World, books: Books, provider: Provider) -> Iterator[Violation]:
    """What left, left for an address of its own customer."""
    owners = dict(world.sql("SELECT address, customer_id FROM contact"))
    customers = {str(row["id"]): row["customer_id"] for row in books.outbox}
    for sent in provider.calls:
        if owners.get(sent.to) != customers[sent.key]:
            yield Violation("unauthorised", "nobody-elses-address", f"outbox {sent.key}", "another's address")


def _shown(conversation: Sequence[Mapping[str, Any]]) -> Iterator[Violation]:
    """A reviewer sees each message as one, whatever is in it: nothing steers the terminal or looks like another message."""
    with console.capture() as page:
        show_thread([dict(entry) for entry in conversation])
    lines = page.get().splitlines()
    if sum(bool(_HEADER.match(line)) for line in lines) != len(conversation):
        yield Violation("unauthorised", "untrusted-words-are-marked", "reviewer", "a message looks like two")
    if not all(line.isprintable() for line in lines):
        yield Violation(
            "unauthorised", "untrusted-words-are-escaped", "reviewer", "something steers the terminal"
        )
