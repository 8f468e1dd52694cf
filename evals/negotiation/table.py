"""The table at which a bargain is played: the customer speaks, the product answers, the reviewer decides; until nobody has more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
from psycopg import ClientCursor
from psycopg.rows import dict_row

from agent.approvals.model import Decision, User
from evals.bench.people import COMPANY
from evals.negotiation.bargain import Bargain, Heard, heard
from evals.scenarios.events import Play, Seen
from evals.scenarios.play import CHANNELS, Product
from evals.scenarios.scenario import Decides, Happens, Says, Scenario
from server.deciding import decide_and_follow
from tools import sql
from tools.errors import CollectionsError

_SQL = sql.load("evals.negotiation")
_BETWEEN = timedelta(minutes=20)
_MANAGER = User("mona", "manager", 10**9)
_ROUNDS = 3  # of decisions: an answer may ask again


@dataclass(frozen=True, slots=True)
class Played:
    """One bargain, played: the scenario as it went, what came of it, and the books at the end."""

    bargain: Bargain
    scenario: Scenario
    play: Play
    rounds: int  # messages of the customer
    settled_in: int | None  # the round after which there was an arrangement or a person had it
    plans: Sequence[dict[str, Any]]
    promises: Sequence[dict[str, Any]]
    conceded: Sequence[dict[str, Any]]
    waiting: Sequence[dict[str, Any]]


async def haggle(product: Product, conn: psycopg.Connection[Any], bargain: Bargain) -> Played:
    """Play one bargain to its end."""
    turns: list[Happens] = []
    said: list[str] = []
    answer: set[Heard] = set()
    failed = settled = None
    opening = bargain.scenario([Says(do="says", channel=bargain.channel, text=bargain.lines[0].text)])
    await product.begin(opening)
    at = bargain.now
    while failed is None and (line := bargain.next_line(said, answer)):
        said.append(line.text)
        turns.append(Says(do="says", channel=bargain.channel, text=line.text, at=at))
        failed = await product.step(opening, len(turns), turns[-1], at)
        events = product.seen(len(turns))
        if books(conn, "waiting"):
            at += _BETWEEN
            turns.append(Decides(do="decides", decision="approve", at=at))
            product.clock.advance(_BETWEEN)
            await _review(product, conn, bargain)
            product.look(len(turns))
            events = [*events, *product.seen(len(turns))]
        answer, at = heard(events), at + _BETWEEN
        settled = settled or (len(said) if _settles(events) else None)
    return Played(
        bargain, bargain.scenario(turns), await product.end(failed), len(said), settled,
        *(books(conn, block) for block in ("plans", "promises", "conceded", "waiting")),
    )  # fmt: skip


def books(conn: psycopg.Connection[Any], block: str) -> list[dict[str, Any]]:
    """The rows of one of this package's queries."""
    cursor = ClientCursor(conn, row_factory=dict_row)
    return cursor.execute(_SQL[block], {"zone": COMPANY.zone.key}).fetchall()


def _settles(events: Sequence[Seen]) -> bool:
    """Whether there is an arrangement, or a person has it; a draft that waits is neither."""
    return any(
        event.what in ("promise", "plan", "task") or (event.what == "approval" and event.of != "message")
        for event in events
    )


async def _review(product: Product, conn: psycopg.Connection[Any], bargain: Bargain) -> None:
    """The reviewer decides what waits, by the bargain's rule."""
    tried: set[str] = set()
    for _ in range(_ROUNDS):
        for row in books(conn, "waiting"):
            if row["id"] not in tried:
                tried.add(row["id"])
                decision = Decision(
                    decision="approve" if _may(row, bargain) else "reject", action_digest=row["digest"]
                )
                try:
                    await decide_and_follow(product.engine, CHANNELS, row["id"], decision, _MANAGER)
                except CollectionsError:
                    continue  # it has moved on: what is on record shows it


def _may(row: dict[str, Any], bargain: Bargain) -> bool:
    match row["kind"]:
        case "plan" | "promise":
            return bool(
                row["parts"] <= bargain.reviewer.instalments and row["amount_minor"] <= row["owed_minor"]
            )
        case "concession" | "refund" | "write_off":
            return bargain.reviewer.concessions
        case kind:
            return bool(kind == "send")
