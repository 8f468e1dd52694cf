"""Planted facts: said once, buried under talk, asked for in other words. Is the fact in the prompt? (issue 3)."""

import json
import random
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources

from langchain_core.messages import AnyMessage
from langchain_core.messages.utils import count_tokens_approximately
from psycopg.rows import scalar_row

from agent.deps import Deps
from agent.engine.deliberation import Deliberation
from agent.engine.trigger import inbound
from agent.nodes.recall import read, write
from tools import sql
from tools.memory.embeddings import literal

_SQL = sql.load("evals.memory")
_APART = 13  # messages between two planted facts: coprime to the distances, so that no two fall on one place
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
_MONTHS = ("January", "February", "March", "April", "May", "June", "September", "October", "November")
_OPENINGS = ("Hello,", "Hi there,", "Dear team,", "Good afternoon,", "Hey,")
_CLOSINGS = ("Best regards", "Thanks", "Kind regards", "Cheers", "Sent from my phone")


@dataclass(frozen=True, slots=True)
class Fact:
    """What was said, the later question, and words of the fact that tell whether it is in the prompt."""

    said: str
    asked: str
    key: str
    far: bool
    remote: str | None = None


@dataclass(frozen=True, slots=True)
class Recalled:
    """How many facts, said `back` messages before the question, were in the prompt; `far` ones were paraphrased."""

    back: int
    asked: int
    found: int
    far_asked: int
    far_found: int
    tokens_most: int
    missed: Sequence[str]

    @property
    def rate(self) -> float:
        """The share that was found."""
        return self.found / self.asked

    @property
    def far_rate(self) -> float:
        """The share of the paraphrased ones that was found."""
        return self.far_found / self.far_asked


@cache
def facts() -> Sequence[Fact]:
    """All facts there are."""
    text = resources.files(__package__ or "").joinpath("facts.toml").read_text("utf-8")
    return [Fact(**row) for row in tomllib.loads(text)["fact"]]


def remote_facts() -> Sequence[Fact]:
    """The facts that have a question without one word of theirs: what a larger embedding model would have to find."""
    return [replace(fact, asked=fact.remote) for fact in facts() if fact.remote is not None]


@cache
def fillers() -> Sequence[tuple[str, str]]:
    """What is said around them: (direction, sentence with slots)."""
    lines = resources.files(__package__ or "").joinpath("fillers.txt").read_text("utf-8").splitlines()
    return [(direction, sentence) for direction, _, sentence in (line.partition("|") for line in lines)]


def _sentence(rnd: random.Random, direction: str) -> str:
    said = rnd.choice([sentence for way, sentence in fillers() if way == direction])
    return said.format(
        day=rnd.choice(_DAYS), month=rnd.choice(_MONTHS), n=f"INV-{rnd.randint(1000, 9999)}",
        amount=f"${rnd.randint(20, 3000)}.{rnd.randint(0, 99):02}",
    )  # fmt: skip


def talk(rnd: random.Random) -> tuple[str, str]:
    """One message that is not a planted fact: a line, or now and then a longer mail."""
    direction = "in" if rnd.random() < 0.6 else "out"
    if rnd.random() < 0.65:
        return direction, _sentence(rnd, direction)
    return direction, _mail(rnd, [_sentence(rnd, direction) for _ in range(rnd.randint(2, 6))])


def _mail(rnd: random.Random, sentences: Sequence[str]) -> str:
    return f"{rnd.choice(_OPENINGS)}\n\n{' '.join(sentences)}\n\n{rnd.choice(_CLOSINGS)}"


def _plant(rnd: random.Random, fact: Fact) -> str:
    """Two facts in three stand alone; the third stands in a mail about other things."""
    if rnd.random() < 2 / 3:
        return fact.said
    around = [_sentence(rnd, "in") for _ in range(rnd.randint(2, 4))]
    around.insert(rnd.randint(0, len(around)), fact.said)
    return _mail(rnd, around)


def history(planted: Sequence[Fact], back: int, seed: int) -> list[tuple[str, str]]:
    """A customer's messages: fact i at place 13i, its question exactly `back` messages later, talk everywhere else."""
    rnd = random.Random(seed + back)
    said = [talk(rnd) for _ in range(_APART * (len(planted) - 1) + back + 1)]
    for i, fact in enumerate(planted):
        said[_APART * i] = ("in", _plant(rnd, fact))
        said[_APART * i + back] = ("in", fact.asked)
    return said


async def store_customer(deps: Deps, customer_id: str) -> None:
    """Put a customer there who owes nothing yet."""
    async with deps.pool.connection() as conn:
        await conn.execute(_SQL["customer"], {"customer_id": customer_id, "now": deps.clock.now()})


async def store(deps: Deps, customer_id: str, said: Sequence[tuple[str, str]]) -> list[int]:
    """Put messages behind what a customer's conversation holds, oldest first, the last of them now: their ids."""
    vectors = await deps.embedder.embed([body for _, body in said])
    given = {
        "customer_id": customer_id, "now": deps.clock.now(), "many": len(said), "model": deps.embedder.model_id,
        "directions": [direction for direction, _ in said], "bodies": [body for _, body in said],
        "vectors": [literal(vector) for vector in vectors],
    }  # fmt: skip
    async with deps.pool.connection() as conn, conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL["messages"], given)
        return sorted(await cursor.fetchall())


async def prompt_of(deps: Deps, customer_id: str, question: int) -> list[AnyMessage]:
    """The first prompt of the episode that message `question` opens, as the model would get it."""
    turn = Deliberation(deps, inbound(customer_id, question))
    return write(turn, await read(turn))


async def measure(
    deps: Deps,
    *,
    backs: Sequence[int] = (10, 100, 1000),
    planted: Sequence[Fact] | None = None,
    seed: int = 7,
    name: str = "planted",
) -> list[Recalled]:
    """Store a history for each distance (a customer of its own, `{name}-{distance}`), ask for every fact, count.

    The same seed gives the same figures. Writes into the database of `deps`: give it one that is thrown away.
    """
    wanted = planted or facts()
    results = []
    for back in backs:
        customer_id = f"{name}-{back}"
        await store_customer(deps, customer_id)
        ids = await store(deps, customer_id, history(wanted, back, seed))
        hit: list[Fact] = []
        most = 0
        for i, fact in enumerate(wanted):
            question = ids[_APART * i + back]
            prompt = await prompt_of(deps, customer_id, question)
            most = max(most, count_tokens_approximately(prompt))
            shown = json.loads(prompt[1].text)
            texts = [m["text"] for m in (*shown["conversation"], *shown["memory"]) if m["id"] != question]
            if any(fact.key in text for text in texts):
                hit.append(fact)
        far = [fact for fact in wanted if fact.far]
        missed = [fact.asked for fact in wanted if fact not in hit]
        far_found = sum(fact in hit for fact in far)
        results.append(Recalled(back, len(wanted), len(hit), len(far), far_found, most, missed))
    return results
