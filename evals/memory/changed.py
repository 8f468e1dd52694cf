"""Facts that a customer later told otherwise: both may be in the prompt, but the newer one is, and as the newer one."""

import json
import random
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from importlib import resources
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall

from agent.deps import Deps
from agent.engine.run import Engine
from agent.engine.trigger import inbound
from agent.models.scripted import ScriptedModel
from evals.memory.planted import prompt_of, store, store_customer, talk
from tools.clock import FrozenClock
from tools.memory.messages import store_inbound

_BETWEEN = 40  # messages between what was said first and what was said later


@dataclass(frozen=True, slots=True)
class Changed:
    """What was said, what was said later, the question, and words of each that tell whether it is in the prompt."""

    first: str
    later: str
    asked: str
    was: str
    is_: str
    about: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What the prompt said of a fact that changed `back` messages ago. `wrong`: why it could mislead; None: it cannot."""

    back: int
    asked: str
    wrong: str | None


@cache
def changes() -> Sequence[Changed]:
    """All of changed.toml."""
    text = resources.files(__package__ or "").joinpath("changed.toml").read_text("utf-8")
    return [Changed(is_=row.pop("is"), **row) for row in tomllib.loads(text)["changed"]]


async def measure(
    deps: Deps, clock: FrozenClock, *, back: int, changed: Sequence[Changed] | None = None, seed: int = 7
) -> list[Told]:
    """Each change for a customer of its own: said, talk, said otherwise, `back` messages of talk, asked.

    Runs the product's own episodes for the two statements (a wish is recorded as the model would record it), and
    moves the clock on: both carry their own dates.
    """
    told = []
    for n, one in enumerate(changed or changes()):
        customer, rnd = f"changed-{back}-{n}", random.Random(seed + n)
        await store_customer(deps, customer)
        await _say(deps, customer, one.first, one)
        await _pass(deps, clock, customer, [talk(rnd) for _ in range(_BETWEEN)])
        await _say(deps, customer, one.later, one)
        await _pass(deps, clock, customer, [talk(rnd) for _ in range(back - 1)])
        [question] = await store(deps, customer, [("in", one.asked)])
        told.append(
            Told(
                back, one.asked, _wrong(one, json.loads((await prompt_of(deps, customer, question))[1].text))
            )
        )
    return told


async def _say(deps: Deps, customer: str, said: str, one: Changed) -> None:
    """An episode in which the model records the wish, where it is one, and says nothing."""
    async with deps.pool.connection() as conn:
        message, _ = await store_inbound(
            conn, customer_id=customer, contact_id=None, channel="email", body=said, at=deps.clock.now(),
            provider_id=f"{customer}-{deps.clock.now().isoformat()}",
        )  # fmt: skip
    record = {"kind": "preference", "about": one.about, "quote": said}
    engine = Engine(replace(deps, model=ScriptedModel(script=_recording(record if one.about else None))))
    await engine.open()
    await engine.run(inbound(customer, message))


def _recording(record: dict[str, Any] | None) -> Any:
    def think(messages: Sequence[BaseMessage], _: object) -> AIMessage:
        if record is None or not isinstance(messages[-1], HumanMessage):
            return AIMessage("done")
        call = ToolCall(name="log_collection_activity", args={"record": record}, id="wish", type="tool_call")
        return AIMessage("", tool_calls=[call])

    return think


async def _pass(deps: Deps, clock: FrozenClock, customer: str, said: Sequence[tuple[str, str]]) -> None:
    clock.advance(timedelta(hours=len(said) + 24))
    await store(deps, customer, said)


def _wrong(one: Changed, shown: dict[str, Any]) -> str | None:
    """Why the prompt could mislead."""
    said = [(item["at"], item["text"]) for item in (*shown["conversation"], *shown["memory"])]
    facts = [(fact["since"], fact["fact"]) for fact in shown["standing_facts"]]
    newer = [at for at, text in (*said, *facts) if one.is_ in text]
    older = [at for at, text in (*said, *facts) if one.was in text]
    if not newer:
        return "what holds now is not in the prompt"
    if older and max(at[:10] for at in older) >= min(at[:10] for at in newer):
        return "what held once has no older date than what holds now"
    if any(one.was in fact for _, fact in facts):
        return "what held once still stands as a fact"
    if one.about and not any(one.is_ in fact for _, fact in facts):
        return "what holds now does not stand as a fact"
    return None
