"""When a turn is tried again: soon on its customer's lock, then off it, and in the end it is a person's."""

import asyncio

from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.jobs import Job
from typing_extensions import override

# The first tries keep the customer's order: what came later waits for them, a few seconds in all. From the fourth on
# a turn steps aside, because a message that cannot be answered must not hold up those that can.
_ON_THE_LOCK = (0.2, 1.0, 3.0)
_ASIDE = (10.0, 60.0)

# Failures and lost workers, both: a turn that ends its process each time counts too.
GIVE_UP_AFTER = len(_ON_THE_LOCK) + len(_ASIDE)


class Later(RetryDecision):
    """Try again in `seconds`, on `lock` where one is given."""

    def __init__(self, seconds: float, *, lock: str | None = None) -> None:
        super().__init__(retry_in={"milliseconds": round(seconds * 1000)}, lock=lock)
        self.seconds = seconds


class Patience(BaseRetryStrategy):
    """Retries of a turn. None after a person could not be given the turn either: it rests, and is tried again later."""

    @override
    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, asyncio.CancelledError):
            return Later(0)  # the worker is told to stop: the job goes back
        if job.attempts < len(_ON_THE_LOCK):
            return Later(_ON_THE_LOCK[job.attempts])
        if job.attempts < GIVE_UP_AFTER:
            return Later(_ASIDE[job.attempts - len(_ON_THE_LOCK)], lock=f"aside:{job.queueing_lock}")
        return None
