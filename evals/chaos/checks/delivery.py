"""Delivery: what came in is dealt with once and in its order, and what left, left once."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from evals.chaos.books import Books
from evals.chaos.checks.violation import Violation
from evals.chaos.history import History, Said
from evals.providers import Accepted

_TRIGGERS = ("event_id", "follow_up_id", "rejected_approval")


def check(history: History, books: Books, accepted: Sequence[Accepted]) -> Iterator[Violation]:
    """Lost, duplicated and reordered messages, turns and decisions."""
    yield from _messages(history, books)
    yield from _turns(books)
    yield from _order(history, books)
    yield from _decisions(history, books)
    yield from _sends(books, accepted)


def _messages(history: History, books: Books) -> Iterator[Violation]:
    episodes = {row["id"] for row in books.episodes}
    stored = Counter(row["provider_id"] for row in books.received)
    for said in history.said:
        if said.acknowledged and not stored[said.sid]:
            yield Violation("lost", "acknowledged-message-is-stored", said.sid, "it is in no table")
        if stored[said.sid] > 1:
            yield Violation(
                "duplicates", "message-is-stored-once", said.sid, f"stored {stored[said.sid]} times"
            )
    for row in books.received:
        if row["handled_at"] is None or not (row["episode_id"] in episodes or row["heeded"]):
            yield Violation("lost", "stored-message-has-an-episode", str(row["id"]), "nobody answered it")
    for row in books.events:
        if row["handled_at"] is None:
            yield Violation("lost", "ledger-event-has-an-episode", str(row["id"]), "nobody looked at it")


def _turns(books: Books) -> Iterator[Violation]:
    opened: Counter[tuple[str, object]] = Counter()
    for row in books.episodes:
        trigger = row["trigger"]
        if trigger["kind"] == "inbound":
            opened["message", trigger["message_id"]] += 1
        opened.update((name, trigger[name]) for name in _TRIGGERS if trigger.get(name) is not None)
    for (name, key), times in opened.items():
        if times > 1:
            yield Violation("duplicates", "turn-commits-once", f"{name} {key}", f"{times} episodes committed")


def _order(history: History, books: Books) -> Iterator[Violation]:
    """Of a customer's messages that went through the queue, what was acknowledged before another came is heard before it."""
    queued = {said.sid: said for said in history.said if not said.at_once}
    sids = {row["id"]: row["provider_id"] for row in books.received}
    heard: defaultdict[str, list[Said]] = defaultdict(list)
    for row in books.log:
        if row["action"] == "message.received" and (
            said := queued.get(sids.get(row["subject"]["message"], ""))
        ):
            heard[row["customer_id"]].append(said)
    for customer, told in heard.items():
        for n, later in enumerate(told):
            for earlier in told[n + 1 :]:
                if earlier.acknowledged_at is not None and earlier.acknowledged_at < later.first_at:
                    why = f"{later.sid} was heard before {earlier.sid}"
                    yield Violation("out_of_order", "messages-in-order", customer, why)


def _decisions(history: History, books: Books) -> Iterator[Violation]:
    """A click that was told it took effect did; one answer to an approval takes effect, whoever clicked how often."""
    states = {row["id"]: row["state"] for row in books.approvals}
    effective = Counter(click.approval_id for click in history.clicks if click.took_effect)
    for approval, clicks in effective.items():
        if states.get(approval) not in ("approved", "edited"):
            yield Violation(
                "lost", "decision-that-took-effect-stands", approval, f"it is {states.get(approval)}"
            )
        if clicks > 1:
            yield Violation(
                "duplicates", "approval-takes-effect-once", approval, f"{clicks} clicks were told so"
            )
    asked = {row["id"]: row["digest"] for row in books.approvals}
    executed = Counter(
        row["approval_id"]
        for row in books.decisions
        if row["verdict"] == "allow" and asked.get(row["approval_id"]) == row["digest"]
    )
    for approval, times in executed.items():
        if times > 1:
            yield Violation("duplicates", "approval-executes-once", str(approval), f"{times} times")


def _sends(books: Books, accepted: Sequence[Accepted]) -> Iterator[Violation]:
    """Each key was accepted in one of our calls at most, and the books know of every message that left."""
    calls: defaultdict[str, set[int]] = defaultdict(set)
    for one in accepted:
        calls[one.key].add(one.call)
    states = {str(row["id"]): row["state"] for row in books.outbox}
    for key, made in calls.items():
        if len(made) > 1:
            yield Violation(
                "duplicates", "message-leaves-once", f"outbox {key}", f"accepted in {len(made)} calls"
            )
        # Unknown is honest: a person was told, where the provider cannot say.
        if states.get(key) not in ("sent", "delivered", "unknown", "bounced"):
            yield Violation(
                "unauthorised", "what-left-is-in-the-books", f"outbox {key}", f"it is {states.get(key)}"
            )
    for key, state in states.items():
        if state in ("sent", "delivered") and key not in calls:
            yield Violation(
                "lost", "what-is-called-sent-left", f"outbox {key}", "the provider never accepted it"
            )
