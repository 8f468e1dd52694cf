"""The worker: procrastinate's, with its three gaps closed.

The stock worker loses a wake-up that arrives while it fetches, looks no further when a job lets go of its customer's
lock, and never takes over from a worker that was killed. Each looks like a customer who is dead for five seconds, or
for ever (facts: infra/decisions/0008-queue.md).
"""

import asyncio

import structlog
from procrastinate import App
from procrastinate.exceptions import ConnectorException
from procrastinate.job_context import JobContext, JobResult
from procrastinate.jobs import Job, Notification, Status
from procrastinate.retry import RetryDecision
from procrastinate.worker import Worker
from psycopg.errors import RaiseException
from typing_extensions import override

from server.jobs.retry import Later
from tools import failpoints, sql

_SQL = sql.load("server.jobs")
_log = structlog.get_logger()

HEARTBEAT_SECONDS = 0.5
STALLED_AFTER_SECONDS = 3.0
POLL_SECONDS = 5.0  # what a wake-up that is lost all the same costs
_MARGIN_SECONDS = 0.02


class WakefulWorker(Worker):
    """Fetches again whenever anything happened that may have freed a job, and gives back what dead workers held."""

    def __init__(
        self,
        app: App,
        *,
        concurrency: int,
        grace_seconds: float,
        stalled_after: float = STALLED_AFTER_SECONDS,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        super().__init__(
            app,
            concurrency=concurrency,
            fetch_job_polling_interval=poll_seconds,
            shutdown_graceful_timeout=grace_seconds,
            delete_jobs="successful",
            install_signal_handlers=False,
            update_heartbeat_interval=HEARTBEAT_SECONDS,
        )
        self._stalled_after = stalled_after
        self._wakeups = 0

    def wake(self) -> None:
        """Look for jobs now."""
        self._wakeups += 1
        self._new_job_event.set()

    async def reap(self) -> None:
        """Give back the jobs of workers that show no sign of life, twice a second, until cancelled.

        A worker that was only slow finds its job running elsewhere: the fence lets one of the two commit.
        """
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            query = _SQL["give_back_stalled"]
            given_back = await self.app.connector.execute_query_all_async(
                query, after_seconds=self._stalled_after, mine=self.worker_id
            )
            for job in given_back:
                _log.warning("job_given_back", job_id=job["id"])
            if given_back:
                self.wake()

    @override
    async def _handle_notification(self, *, channel: str, notification: Notification) -> None:
        self._wakeups += 1
        await super()._handle_notification(channel=channel, notification=notification)

    @override
    async def _fetch_and_process_jobs(self) -> None:
        while True:
            seen = self._wakeups
            await super()._fetch_and_process_jobs()  # type: ignore[no-untyped-call]  # procrastinate's
            if self._stop_event.is_set() or seen == self._wakeups:
                return

    @override
    async def _process_job(self, context: JobContext) -> None:
        failpoints.reach("worker.fetched")
        try:
            await super()._process_job(context)
        finally:
            self.wake()  # the next job of this customer may have become free

    @override
    async def _persist_job_status(
        self,
        job: Job,
        status: Status,
        retry_decision: RetryDecision | None,
        context: JobContext,
        job_result: JobResult | None,
    ) -> None:
        failpoints.reach("worker.before_finish")
        try:
            await super()._persist_job_status(job, status, retry_decision, context, job_result)
        except ConnectorException as failure:
            if isinstance(failure.__cause__, RaiseException):
                _log.warning("job_was_taken_over", job_id=job.id)
                return
            # It would stay ours and its customer locked as long as this worker lives: so this worker ends, and the
            # next one, with a new identity, finds it among the dead one's.
            _log.warning("job_not_finished", job_id=job.id, why=type(failure).__name__)
            self.stop()  # type: ignore[no-untyped-call]  # procrastinate's
            return
        failpoints.reach("worker.finished")
        if isinstance(retry_decision, Later):
            # Nobody is told when a job falls due.
            asyncio.get_running_loop().call_later(retry_decision.seconds + _MARGIN_SECONDS, self.wake)
