"""Rest: when nothing happens any more, nothing hangs, and the log tells all of it without a gap."""

from collections.abc import Iterator, Sequence

from evals.chaos.books import Books
from evals.chaos.checks.violation import Violation
from evals.chaos.history import History
from evals.providers import Accepted

_ENDED = frozenset({"approved", "edited", "rejected", "withdrawn", "expired", "superseded"})


def check(history: History, books: Books, _: Sequence[Accepted]) -> Iterator[Violation]:
    """What is stuck, what the log does not tell, and what clients were told that they never should be."""
    yield from _stuck(history, books)
    yield from _audit(books)
    for answer in history.unexpected:
        yield Violation("stuck", "errors-are-facts", "server", answer)


def _stuck(history: History, books: Books) -> Iterator[Violation]:
    for said in history.said:
        if not said.acknowledged:
            yield Violation(
                "stuck", "message-is-acknowledged", said.sid, f"not in {said.deliveries} deliveries"
            )
    for what, left in history.unfinished.items():
        if left:
            yield Violation("stuck", "comes-to-rest", what, f"{left} left undone")
    for row in books.jobs:
        if row["task_name"] == "turn":
            yield Violation(
                "stuck", "queue-is-empty", f"job {row['id']}", f"{row['status']}, {row['queueing_lock']}"
            )
    for row in books.outbox:
        if row["state"] == "sending" or (row["state"] == "unknown" and row["check_at"] is not None):
            yield Violation("stuck", "message-is-settled", f"outbox {row['id']}", f"it is {row['state']}")
    yield from _approvals(books)


def _approvals(books: Books) -> Iterator[Violation]:
    for row in books.approvals:
        if row["state"] == "resuming":
            yield Violation("stuck", "answer-is-carried-out", row["id"], f"claimed at {row['claimed_at']}")
        if row["state"] == "pending" and not row["has_thread"]:
            yield Violation("stuck", "approval-can-be-resumed", row["id"], "it has no checkpoint")
        if row["state"] in _ENDED and row["has_thread"]:
            yield Violation(
                "stuck", "ended-approval-leaves-nothing", row["id"], "its checkpoint is still there"
            )


def _audit(books: Books) -> Iterator[Violation]:
    for link in books.broken:
        yield Violation("broken_audit", "chain-verifies", link.customer_id, f"at {link.seq}: {link.why}")
    told = {(row["action"], row["decision_id"]) for row in books.log}
    for row in books.decisions:
        verbs = {"allow": "allowed", "ask": "asked", "refuse": "refused", "suggest": "suggested"}
        if (f"decision.{verbs[row['verdict']]}", row["id"]) not in told:
            yield Violation("broken_audit", "decision-is-in-the-log", f"decision {row['id']}", row["verdict"])
    settled = {
        (row["action"].removeprefix("message."), row["subject"].get("outbox"))
        for row in books.log
        if row["action"].startswith("message.")
    }
    for row in books.outbox:
        if (
            row["state"] in ("sent", "delivered")
            and not {(state, row["id"]) for state in ("sent", "delivered", "confirmed")} & settled
        ):
            yield Violation("broken_audit", "departure-is-in-the-log", f"outbox {row['id']}", row["state"])
    ended = {(row["action"].removeprefix("approval."), row["subject"].get("approval")) for row in books.log}
    for row in books.approvals:
        if row["state"] in _ENDED and (row["state"], row["id"]) not in ended:
            yield Violation("broken_audit", "answer-is-in-the-log", row["id"], row["state"])
