"""One turn from the queue: find what the job's key names, run its episode, or hand it to a person after too many tries."""

import structlog

from agent.cycle.steps import step_is_done
from agent.cycle.work import waiting_for
from agent.engine.run import Engine
from agent.engine.trigger import Trigger, inbound
from server.cycle import handle
from server.jobs.retry import GIVE_UP_AFTER

_log = structlog.get_logger()
_MESSAGE = "message:"


async def run_turn(engine: Engine, *, customer_id: str, key: str, attempts: int) -> None:
    """Run the turn `key` of one customer; nothing happens where it was done already. Raises whatever went wrong.

    A turn that failed or lost its worker too often is given to a person. A planned step is left to the next plan
    instead: nobody waits for it.
    """
    trigger = await _find(engine, customer_id, key)
    if trigger is None:
        return
    tired = attempts >= GIVE_UP_AFTER
    if tired and trigger.kind == "ladder":
        _log.error("step_given_up", customer_id=customer_id, attempts=attempts)
        await step_is_done(engine.deps, trigger)
        return
    try:
        outcome = await handle(engine, trigger, give_up=tired)
    except Exception as wrong:
        # Its text may quote what a customer wrote: the kind of failure and the ids are enough to find it.
        _log.warning(
            "turn_failed", customer_id=customer_id, key=key, attempts=attempts, why=type(wrong).__name__
        )
        raise
    if tired and outcome.state == "committed":
        _log.error("turn_given_up", customer_id=customer_id, key=key, attempts=attempts)


async def _find(engine: Engine, customer_id: str, key: str) -> Trigger | None:
    if key.startswith(_MESSAGE):
        return inbound(customer_id, int(key.removeprefix(_MESSAGE)))
    async with engine.deps.pool.connection() as conn:
        waiting = await waiting_for(conn, customer_id=customer_id, now=engine.deps.clock.now())
    return next((trigger for trigger in waiting if trigger.turn_key == key), None)
