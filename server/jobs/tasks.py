"""The queue's tasks: a turn, and a task for each chore."""

import logging
from collections.abc import Awaitable, Callable, Sequence

import structlog
from procrastinate import App, BaseConnector, JobContext

from server.jobs.queue import CHORE
from server.jobs.retry import Patience
from server.jobs.schedule import Chore, Hands
from server.jobs.turn import run_turn

_log = structlog.get_logger()


def build_app(hands: Hands, chores: Sequence[Chore], connector: BaseConnector) -> App:
    """The application of procrastinate, with every task that a worker must know."""
    # It logs arguments and tracebacks, and a traceback may quote a row; ours say the same with ids.
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)
    app = App(connector=connector)

    @app.task(name="turn", queue="turns", retry=Patience(), pass_context=True)
    async def turn(context: JobContext, customer_id: str, key: str) -> None:
        await run_turn(hands.engine, customer_id=customer_id, key=key, attempts=context.job.attempts)

    for chore in chores:
        once = f"chore: {chore.name}"
        task = app.task(name=chore.name, queue="chores", lock=once, queueing_lock=once, priority=CHORE)
        app.periodic(cron=chore.cron)(task(_work(chore, hands)))
    return app


def _work(chore: Chore, hands: Hands) -> Callable[[int], Awaitable[None]]:
    async def work(timestamp: int) -> None:  # noqa: ARG001 - procrastinate's; what is due is read from our own clock
        try:
            await chore.work(hands)
        except Exception as wrong:
            _log.error("chore_failed", chore=chore.name, why=type(wrong).__name__)
            raise

    return work
