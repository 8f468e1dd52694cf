"""Whatever happens in whatever order, with a model that is not on our side: no invariant is violated."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

import psycopg
import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from evals.chaos.books import observe
from server import db
from server.embedded import Server
from tests.evals.chaos.machine import Service
from tests.evals.chaos.stage import Stage
from tests.proofs import proof_size
from tests.world import NOW, World, open_beside
from tools.clock import FrozenClock

_SHARDS = proof_size(test=2, prove=10)  # so that every core has its share
_MACHINES = proof_size(test=80, prove=2000)
_STEPS = proof_size(test=50, prove=100)
# After ten examples Hypothesis mostly varies old ones, and two machines in three would be all but copies. A round of
# nine is its simplest example, which says nothing, and eight that it makes up.
_ROUND = 8


@pytest.mark.proof
@pytest.mark.parametrize("shard", range(_SHARDS))
def test_no_order_of_events_violates_an_invariant(
    shard: int, server: Server, database: str, record_property: Callable[[str, object], None]
) -> None:
    name = psycopg.conninfo.conninfo_to_dict(database)["dbname"]
    with (
        asyncio.Runner() as runner,
        open_beside(database) as beside,
        psycopg.connect(server.admin_conninfo(str(name)), autocommit=True) as admin,
    ):
        observe(admin)
        open_things = AsyncExitStack()
        pool = runner.run(open_things.enter_async_context(db.open_pool(database, min_size=1, max_size=6)))
        stage = Stage(World(database, pool, FrozenClock(NOW), beside), runner, admin)

        class Here(Service):
            def __init__(self) -> None:
                super().__init__(stage)

        rounds = _MACHINES // _SHARDS // _ROUND
        try:
            for number in range(shard * rounds, (shard + 1) * rounds):
                run_state_machine_as_test(
                    seed(number)(Here),
                    settings=settings(
                        max_examples=_ROUND + 1,
                        stateful_step_count=_STEPS + 1,  # the first is `begin`
                        suppress_health_check=list(HealthCheck),
                    ),
                )
        finally:
            runner.run(open_things.aclose())

    record_property("cases", stage.machines - rounds)
    record_property("steps", stage.steps)
    reached = {"outbox sent", "outbox withdrawn", "approval approved", "decision refuse"}
    assert reached <= set(stage.reached), stage.reached
