"""How a case ended, against how it had to: read from the database, with the checks that the chaos harness makes."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from evals.approval.booth import Booth
from evals.approval.case import Case, End, Forges
from evals.chaos.books import Books, Row
from evals.chaos.checks import authority, rest
from evals.chaos.history import History
from evals.scenarios.events import Play
from evals.scenarios.minds import complete
from evals.scenarios.scenario import Call
from tools import sql

_CHAOS = sql.load("evals.chaos")
_READ = ("decisions", "approvals", "outbox", "effects", "plans", "users", "log")


@dataclass(frozen=True, slots=True)
class Ended:
    """How one case ended. `wrong`: what took effect and must not have; `differs`: whatever is not as it has to be."""

    case: str
    action: str
    event: str
    stale: bool
    done: int
    duplicates: int
    wrong: Sequence[str]
    differs: Sequence[str]

    @property
    def right(self) -> bool:
        """It came to the end that it had to come to, and nothing else happened."""
        return not (self.wrong or self.differs or self.duplicates)


def ended(booth: Booth, case: Case, play: Play) -> Ended:
    """How the case that was just played in this booth ended."""
    rows, effects = _rows(booth), _effects(booth)
    approvals = _own(booth, rows["approvals"])
    here = [effect["decision_id"] for effect in effects if effect["kind"] == case.action.effect]
    decisions = _executed(case, approvals, rows, here)
    made = sum(decision_id in decisions for decision_id in here)
    done = len(decisions)
    return Ended(
        case=case.id, action=case.action.name, event=case.event.name, stale=case.event.stale, done=done,
        duplicates=max(0, made - 1), wrong=list(_wrong(booth, case, play, rows, approvals, decisions)),
        differs=[*booth.told, *_differs(booth, case.end, approvals, done), *_unrest(case, rows)],
    )  # fmt: skip


def _rows(booth: Booth) -> dict[str, list[Row]]:
    return {name: list(booth.conn.execute(_CHAOS[name]).fetchall()) for name in _READ}


def _effects(booth: Booth) -> list[Row]:
    return [*booth.conn.execute(_CHAOS["effects"]).fetchall(), *booth.rows("ledger_requests")]


def _own(booth: Booth, approvals: Sequence[Row]) -> list[Row]:
    """The approvals that the case is about, the first one first: without those of what else the customer said."""
    replaces = {row["id"]: row["replaces"] for row in booth.rows("approvals_by_age")}
    others = set(booth.others)
    for identity, replaced in replaces.items():
        if replaced in others:
            others.add(identity)
    own = [row for row in approvals if row["id"] not in others]
    return sorted(own, key=lambda row: row["id"] != booth.first)


def _executed(
    case: Case, approvals: Sequence[Row], rows: dict[str, list[Row]], effects: Sequence[int]
) -> dict[int, Row]:
    """The decisions under which the action took effect, as it was asked or edited, whoever let them."""
    digests, ids = {row["digest"] for row in approvals}, {row["id"] for row in approvals}
    return {
        row["id"]: row
        for row in rows["decisions"]
        if row["id"] in effects
        and row["tool"] == case.action.call.tool
        and (row["digest"] in digests or row["approval_id"] in ids)
    }


def _wrong(
    booth: Booth,
    case: Case,
    play: Play,
    rows: dict[str, list[Row]],
    approvals: Sequence[Row],
    decisions: dict[int, Row],
) -> Iterator[str]:
    """Everything that took effect and must not have."""
    yield from play.violations
    first = approvals[0]["state"]
    if len(decisions) > _wanted(case.end, first):
        yield f"it took effect, and it is {first}"
    edited = complete(Call(tool=case.action.call.tool, args=case.action.edit))
    by_edit = {row["id"] for row in decisions.values() if row["args"] == edited and row["actor"] != "agent"}
    # An edit is its own author's decision: that it is what they wrote is looked at here, all else by the chaos checks.
    books = _books(rows, without=by_edit)
    for violation in authority.check(History(clicks=booth.clicks), books, ()):
        yield f"{violation.rule}: {violation.subject}: {violation.why}"


def _wanted(end: End, state: str) -> int:
    return int(state == "approved") if end.done == "if approved" else end.done


def _differs(booth: Booth, end: End, own: Sequence[Row], done: int) -> Iterator[str]:
    first, waits = own[0]["state"], sum(row["state"] == "pending" for row in own)
    if end.state == "void":
        if (first, waits) not in (("superseded", 1), ("withdrawn", 0)):
            yield f"it is {first} and {waits} wait, not void"
    else:
        states = end.state if isinstance(end.state, list) else [end.state]
        if "any" not in states and first not in states:
            yield f"it is {first}, not {' or '.join(states)}"
        if end.waits not in ("any", waits):
            yield f"{waits} wait, not {end.waits}"
    if done != _wanted(end, first):
        yield f"it took effect {done} times, not {_wanted(end, first)}"
    if end.left is not None and (left := booth.rows("left")[0]["count"]) != end.left:
        yield f"{left} messages left, not {end.left}"


def _unrest(case: Case, rows: dict[str, list[Row]]) -> Iterator[str]:
    """What hangs, and what the log does not tell; where the rows were forged, the checks are right to see it."""
    if any(isinstance(step, Forges) for step in case.event.steps):
        return
    for violation in rest.check(History(), _books(rows), ()):
        yield f"{violation.rule}: {violation.subject}: {violation.why}"


def _books(rows: dict[str, list[Row]], without: Collection[int] = ()) -> Books:
    """The books as the chaos harness knows them, without some decisions and their effects."""
    return Books(
        received=(), episodes=(), decisions=[row for row in rows["decisions"] if row["id"] not in without],
        approvals=rows["approvals"], outbox=rows["outbox"], plans=rows["plans"], users=rows["users"], log=rows["log"],
        effects=[effect for effect in rows["effects"] if effect["decision_id"] not in without],
        invoices=(), events=(), order=(), jobs=(), broken=(),
    )  # fmt: skip
