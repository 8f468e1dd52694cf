"""What must not come back: what another customer said, and what was said before an erasure."""

import random
from collections.abc import Sequence
from typing import Literal

from agent.deps import Deps
from evals.memory.planted import Fact, facts, history, prompt_of, store, store_customer, talk
from tools.memory.erasure import erase

_TALK = 120  # messages that the asking customer has of their own
Whose = Literal["another customer's", "erased"]


async def leaks(
    deps: Deps, whose: Whose, *, planted: Sequence[Fact] | None = None, seed: int = 7
) -> list[str]:
    """Questions whose prompt holds a fact that it must not: of each planted fact, the question that would find it."""
    wanted = planted or facts()
    told, asking = (f"told-{whose[:6]}", f"asks-{whose[:6]}")
    await store_customer(deps, told)
    await store(deps, told, history(wanted, 10, seed))
    if whose == "erased":
        async with deps.pool.connection() as conn, conn.transaction():
            await erase(conn, customer_id=told, now=deps.clock.now())
        asking = told
    else:
        await store_customer(deps, asking)
    rnd = random.Random(seed)
    await store(deps, asking, [talk(rnd) for _ in range(_TALK)])
    questions = await store(deps, asking, [("in", fact.asked) for fact in wanted])
    found = []
    for fact, question in zip(wanted, questions, strict=True):
        prompt = await prompt_of(deps, asking, question)
        if any(other.key in prompt[1].text for other in wanted if other.key not in fact.asked):
            found.append(fact.asked)
    return found
