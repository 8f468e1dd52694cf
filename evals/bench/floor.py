"""The floor: the transactions of our turn without anything that decides: no LangGraph, no gate, no Pydantic.

The statements are those of a recorded turn, run again for other customers in the same transactions on the same
connections, with the rows of each read but not looked at. New are each time the ids, the moment, the customer's words
and both vectors; the decisions, the records and the outbound text are the recorded ones. Audit entries get their place
in the customer's chain but keep the recorded hashes, so the floor's chains do not verify.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from agent.approvals.queries import pending_of
from agent.engine.narrow import one_customer
from agent.engine.trigger import inbound
from evals.bench.model import InstantModel
from evals.bench.ours import ours
from evals.bench.people import Caller, moment, words
from evals.bench.tape import Statement, by_transaction, record
from server import db
from server.inbound import known, store_from
from server.jobs.queue import drop_turn
from tools import sql
from tools.memory.arrival import Arrival
from tools.memory.embeddings import LocalEmbedder, literal

CONFIGURATION = {
    "agent": "none: the statements of a recorded turn of Dunwell, replayed with psycopg in the same transactions",
    "includes": "the same rows read and written, both embeddings",
    "leaves out": "LangGraph, LangChain, the model's messages, Pydantic, signals, gate, rendering, hashing",
}
_ENGINE, _MEMORY, _ACTIVITY = (sql.load(name) for name in ("agent.engine", "tools.memory", "tools.activity"))
# What a parameter names: ids of two tables may be equal. The others are told apart by their values.
_MEANT = {
    "message_id": "message", "reply_to": "message", "before": "message", "upto": "message", "decision_id": "decision",
}  # fmt: skip
_GIVES = {_ENGINE["decisions"]: "decision", _MEMORY["store_outbound"]: "message"}
Same = dict[tuple[str, Any], Any]  # what and its recorded value, to the value of this turn
_WARM = 3  # turns before the recorded one: from then on memory is searched


@dataclass(frozen=True, slots=True)
class Floor:
    """A recorded turn, and the pool that it is replayed on."""

    pool: db.Pool
    script: list[list[Statement]]
    caller: Caller  # who was recorded
    at: int  # the recorded turn
    heard: int  # its message's id
    answer: str  # its outbound text
    embedder: LocalEmbedder

    async def turn(self, caller: Caller, turn: int) -> None:
        """The recorded turn, as if that customer had written at that moment."""
        stored = known(await store_from(self.pool, Arrival(channel="sms", address=caller.phone, body=words(turn), at=moment(turn),
            provider_id=f"{caller.customer_id}-{turn}")))  # fmt: skip
        then, now = (
            inbound(self.caller.customer_id, self.heard),
            inbound(caller.customer_id, stored.message_id),
        )
        same: Same = {("message", self.heard): stored.message_id} | {
            ("", old): new
            for old, new in {
                self.caller.customer_id: caller.customer_id,
                f"{self.caller.customer_id}-sms": f"{caller.customer_id}-sms",
                then.turn_key: now.turn_key,
                then.episode_id: now.episode_id,
                moment(self.at): moment(turn),
                moment(self.at).date(): moment(turn).date(),
            }.items()
        }
        spoken = (await self.embedder.embed([words(turn)]))[0]
        answered = (await self.embedder.embed([self.answer]))[0]
        for group in self.script:
            async with one_customer(self.pool, caller.customer_id) as conn:
                chain = 0
                for statement in group:
                    vector = answered if statement.query is _MEMORY["store_outbound"] else spoken
                    given = _given(statement.given, same, chain)
                    if "embedding" in given:
                        given["embedding"] = literal(vector)
                    rows = await _run(conn, statement, given)
                    if statement.query is _ACTIVITY["ends"] and rows:
                        chain = rows[0][1]
                    if what := _GIVES.get(statement.query):
                        same.update(
                            ((what, old), row[0]) for old, row in zip(statement.ids, rows, strict=True)
                        )
        async with self.pool.connection() as conn:
            await pending_of(conn, customer_id=caller.customer_id)
        async with self.pool.connection() as conn:
            await drop_turn(conn, now)


async def _run(conn: AsyncConnection[Any], statement: Statement, given: Mapping[str, Any]) -> list[Any]:
    cursor = await conn.execute(statement.query, given)
    return await cursor.fetchall() if statement.read else []


def _given(recorded: Mapping[str, Any], same: Same, chain: int) -> dict[str, Any]:
    """Recorded parameters with the ids and the moment of this turn."""
    given = {
        name: same.get((_MEANT.get(name, ""), value), value) if isinstance(value, str | date | int) else value
        for name, value in recorded.items()
    }
    if "customer_ids" in given:
        given["customer_ids"] = [same.get(("", known), known) for known in recorded["customer_ids"]]
    if "entries" in given:
        entries = [
            {**_given(entry, same, chain), "seq": chain + place}
            for place, entry in enumerate(recorded["entries"].obj, 1)
        ]
        [head] = recorded["heads"].obj
        given |= {
            "entries": Jsonb(entries),
            "heads": Jsonb([{**_given(head, same, chain), "seq": chain + len(entries)}]),
        }
    return given


@asynccontextmanager
async def floor(
    conninfo: str, model: InstantModel, *, pool_size: int, caller: Caller
) -> AsyncIterator[Floor]:
    """Record a turn of that caller, who has not written yet, and replay it for others."""
    async with ours(conninfo, model, pool_size=1) as product:
        tape: list[Statement] = []
        for turn in range(_WARM + 1):
            tape = await record(product, caller, turn)
    script = by_transaction(tape)
    handled, said = (
        next(s.given for s in tape if s.query is _MEMORY[name]) for name in ("mark_handled", "store_outbound")
    )
    async with db.open_pool(conninfo, min_size=1, max_size=pool_size) as pool:
        yield Floor(pool, script, caller, _WARM, handled["message_id"], said["body"], LocalEmbedder())
