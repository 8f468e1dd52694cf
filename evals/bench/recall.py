"""`dunwell bench memory`: what a search finds and how long it takes, beside `AsyncPostgresStore` on the same messages.

A search is timed as a turn makes it: the question is embedded, a connection is taken and narrowed to the customer, and the
messages are read. `nearest` is by meaning alone, `search` is what a prompt gets: by meaning and by words, each wording once.
Recall counts the returned messages that are no farther than the tenth nearest, which numpy finds by looking at every one.
"""

import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from langgraph.store.base import SearchOp
from langgraph.store.postgres import AsyncPostgresStore

from agent.deps import Deps
from agent.engine.narrow import one_customer
from evals.bench import conversations
from evals.bench.conversations import Conversations
from evals.bench.meter import Spread, percentile
from evals.bench.model import InstantModel
from evals.bench.ours import ours
from evals.bench.place import Place, circumstances
from evals.bench.stack import default_stack
from evals.memory import planted
from tools import sql
from tools.memory.embeddings import Embedded, LocalEmbedder, literal
from tools.memory.search import nearest, search

LENGTHS = {100: 2.0, 1_000: 8.0, 10_000: 20.0}  # messages of a customer: milliseconds, at most, in the median
MOST_MISSED = 0.05  # of the planted facts
_LIMIT = 10
_TIE = 1e-5  # four-byte arithmetic in another order
_POOL = 2
_EMBEDDER = LocalEmbedder()
_MEMORY = sql.load("tools.memory")
CONFIGURATIONS = {
    "dunwell": {
        "table": "message, btree on the customer, no vector index; one transaction narrowed by row-level security",
        "nearest": f"tools.memory.search.nearest, {_LIMIT} by cosine distance",
        "search": f"tools.memory.search.search, {_LIMIT} by meaning and words",
    },
    "store": {
        "store": "AsyncPostgresStore, default index (HNSW, cosine), namespace of the customer, its pool as documented",
        "search": f"asearch, limit {_LIMIT}; rows copied from message, index built afterwards by its own definition",
    },
}
Search = Callable[[str, str], Awaitable[list[int]]]  # customer and question: ids of messages


@dataclass(slots=True)
class _Found:
    """What one way to search found, and how long it took."""

    recalls: list[float] = field(default_factory=list)
    short: int = 0  # answers with fewer messages than were asked for
    rounds: list[list[float]] = field(default_factory=list)  # milliseconds
    cpu: list[float] = field(default_factory=list)  # milliseconds a search, of this process and of Postgres

    def as_json(self) -> dict[str, Any]:
        """The figures."""
        return {
            "p50_ms": asdict(Spread.of([percentile(each, 50) for each in self.rounds])),
            "p95_ms": asdict(Spread.of([percentile(each, 95) for each in self.rounds])),
            "cpu_ms": asdict(Spread.of(self.cpu)), "recall": round(sum(self.recalls) / len(self.recalls), 4), "short": self.short, "asked": len(self.recalls),
        }  # fmt: skip


async def measure(
    place: Place, *, messages: int, lengths: Sequence[int], questions: int, rounds: int
) -> dict[str, Any]:
    """Ask customers of each length so many questions a round, every way in turn; then ask for planted facts."""
    held = conversations.load(place, messages, lengths)
    model = InstantModel(calls=[])
    async with (
        ours(place.conninfo, model, pool_size=_POOL) as dunwell,
        default_stack(place.conninfo, model, pool_size=_POOL) as default,
    ):
        conversations.copy_to_store(place)
        deps = dunwell.engine.deps
        ways = {"nearest": _nearest(deps), "search": _search(deps), "store": _store(default.store)}
        found = {
            length: await _ask(place, ways, held, length, questions=questions, rounds=rounds)
            for length in sorted(lengths)
        }
        plans = {
            length: await _plans(deps, default.store, held.customers[length][0]) for length in sorted(lengths)
        }
        facts = [asdict(recalled) | {"rate": recalled.rate} for recalled in await planted.measure(deps)]
    return {
        "messages": messages, "questions": questions, "rounds": rounds,
        "lengths": {length: {way: of.as_json() for way, of in ways.items()} for length, ways in found.items()},
        "plans": plans, "planted": facts, "configurations": CONFIGURATIONS, "machine": circumstances(place),
    }  # fmt: skip


async def _ask(
    place: Place, ways: dict[str, Search], held: Conversations, length: int, *, questions: int, rounds: int
) -> dict[str, _Found]:
    rnd = random.Random(length)
    found = {way: _Found() for way in ways}
    for number in range(rounds + 1):  # the first one only warms up
        asked = [(rnd.choice(held.customers[length]), planted.talk(rnd)[1]) for _ in range(questions)]
        for way, ask in ways.items():
            postgres, process = place.postgres_cpu(), time.process_time()
            answers = [await _timed(ask(customer, text)) for customer, text in asked]
            process, postgres = time.process_time() - process, place.postgres_cpu() - postgres
            if number:
                found[way].rounds.append([took for took, _ in answers])
                found[way].cpu.append((process + postgres) / questions * 1e3)
                for (customer, text), (_, ids) in zip(asked, answers, strict=True):
                    await _compare(found[way], held, customer, text, ids)
    return found


async def _timed(answer: Awaitable[list[int]]) -> tuple[float, list[int]]:
    began = time.perf_counter()
    ids = await answer
    return (time.perf_counter() - began) * 1e3, ids


async def _compare(found: _Found, held: Conversations, customer: str, text: str, ids: Sequence[int]) -> None:
    distances = held.distances(customer, (await _EMBEDDER.embed([text]))[0])
    nearest_first = sorted(distances.values())[:_LIMIT]
    near = sum(distances[message] <= nearest_first[-1] + _TIE for message in ids)
    found.recalls.append(near / len(nearest_first))
    found.short += len(ids) < len(nearest_first)


async def _embedded(text: str) -> Embedded:
    return Embedded((await _EMBEDDER.embed([text]))[0], _EMBEDDER.model_id)


def _nearest(deps: Deps) -> Search:
    async def ask(customer: str, text: str) -> list[int]:
        query = await _embedded(text)
        async with one_customer(deps.pool, customer) as conn:
            return [
                message for message, _ in await nearest(conn, customer_id=customer, query=query, limit=_LIMIT)
            ]

    return ask


def _search(deps: Deps) -> Search:
    async def ask(customer: str, text: str) -> list[int]:
        query = await _embedded(text)
        async with one_customer(deps.pool, customer) as conn:
            return [
                hit.id
                for hit in await search(conn, customer_id=customer, text=text, query=query, limit=_LIMIT)
            ]

    return ask


def _store(store: AsyncPostgresStore) -> Search:
    async def ask(customer: str, text: str) -> list[int]:
        return [int(hit.key) for hit in await store.asearch((customer,), query=text, limit=_LIMIT)]

    return ask


async def _plans(deps: Deps, store: AsyncPostgresStore, customer: str) -> dict[str, list[str]]:
    """How Postgres looks for a customer's nearest messages: the scans of its plan, in our table and in the store's."""
    query = await _embedded("When will you pay?")
    mine = {
        "customer_id": customer, "embedding": literal(query.vector), "model": query.model_id, "limit": _LIMIT,
        "before": None,
    }  # fmt: skip
    async with one_customer(deps.pool, customer) as conn:
        row: Any = await (await conn.execute("EXPLAIN (FORMAT JSON) " + _MEMORY["nearest"], mine)).fetchone()
    # Their statement is not public; asking the store for it is better than writing it down again.
    operation = SearchOp((customer,), query="-", limit=_LIMIT)
    [(text, given)], _ = store._prepare_batch_search_queries([(0, operation)])  # noqa: SLF001 - as above
    filled = [value if isinstance(value, str | int | None) else literal(query.vector) for value in given]
    async with deps.pool.connection() as conn:
        their: Any = await (await conn.execute(f"EXPLAIN (FORMAT JSON) {text}", filled)).fetchone()
    return {"dunwell": _scans(row[0][0]["Plan"]), "store": _scans(their[0][0]["Plan"])}


def _scans(node: dict[str, Any]) -> list[str]:
    below = [scan for child in node.get("Plans", ()) for scan in _scans(child)]
    if "Scan" not in node["Node Type"] or node["Node Type"] in ("Subquery Scan", "CTE Scan"):
        return below
    return [f"{node['Node Type']} {node.get('Index Name') or node.get('Relation Name')}", *below]


def targets(result: dict[str, Any]) -> list[dict[str, Any]]:
    """What was promised: nothing nearer is missed, the median of what a prompt gets, and planted facts in the prompt."""
    held: dict[str, tuple[float, float]] = {}
    for length, ways in result["lengths"].items():
        held[f"recall@{_LIMIT} missed, {length:,} messages"] = (round(1 - ways["nearest"]["recall"], 4), 0.0)
        for way in ("nearest", "search"):
            held[f"{way}, p50 ms, {length:,} messages"] = (
                ways[way]["p50_ms"]["median"],
                LENGTHS.get(length, 20.0),
            )
    for facts in result["planted"]:
        held[f"planted {facts['back']:,} messages back, missed"] = (round(1 - facts["rate"], 3), MOST_MISSED)
    return [
        {"target": name, "is": found, "at_most": most, "met": found <= most}
        for name, (found, most) in held.items()
    ]
