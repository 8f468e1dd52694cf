"""`dunwell bench soak`: many turns in one worker process, whole as `dunwell work` runs it, and what memory it holds."""

import asyncio
import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any

from evals.bench.meter import talk
from evals.bench.people import settle
from evals.bench.place import Place, circumstances
from evals.bench.queued.process import POOL, Plan
from evals.bench.queued.talker import queued
from server.jobs.run import Shift

FLAT = 1.05  # resident memory at the end, to that after the warm-up
_MIB, _KIB = 2**20, 1024
_PATIENCE = 60.0  # seconds, for the sender to send what is left


async def measure(
    place: Place,
    *,
    turns: int,
    customers: int = 2000,
    every: int = 1000,
    warm_up: int = 2000,
    at_once: int | None = None,
) -> dict[str, Any]:
    """One turn of each customer a day until there were so many; resident memory every so many turns.

    `at_once` is both how many callers wait and how many turns the worker runs. Raises RuntimeError where a turn is not
    the one that is meant.
    """
    at_once = at_once or Shift().concurrency
    callers, samples, done = settle(place, customers), [], 0
    async with queued(Plan(place.conninfo, at_once, whole=True), processes=1, pool_size=POOL) as ours:
        worker = ours.staff[0]
        async with ours.working(0):
            while done < turns:
                day, first = divmod(done, customers)
                if first == 0 and day > 0:
                    await _all_left(place)  # what waits when the customer promises again is withdrawn
                    await worker.tell(day)
                # Up to the next sample, the end of the day, or the end.
                several = min(every - done % every, customers - first, turns - done)
                began = time.perf_counter()
                await talk(ours, callers[first : first + several], day, at_once=at_once)
                done += several
                ours.passages.clear()
                if done % every == 0 or done == turns:
                    rate = several / (time.perf_counter() - began)
                    samples.append(
                        {"turns": done, "bytes": worker.resident(), "turns_per_second": round(rate, 1)}
                    )
            await _all_left(place)
    return {
        "machine": circumstances(place), "turns": turns, "customers": customers, "every": every, "warm_up": warm_up,
        "at_once": at_once, "sent": _count(place, "delivered"), **memory(samples, warm_up),
        "samples": [
            {"turns": s["turns"], "resident_mib": round(s["bytes"] / _MIB, 1), "turns_per_second": s["turns_per_second"]}
            for s in samples
        ],
    }  # fmt: skip


async def _all_left(place: Place) -> None:
    """Wait until the sender has nothing left to send."""
    async with asyncio.timeout(_PATIENCE):
        while await asyncio.to_thread(_count, place, "queued", "sending"):  # noqa: ASYNC110 - a database sets no event
            await asyncio.sleep(0.1)


def _count(place: Place, *states: str) -> int:
    with place.admin() as conn:
        row = conn.execute("SELECT count(*) FROM outbox WHERE state = ANY(%s)", [[*states]]).fetchone()
        return int(row[0]) if row else 0


def memory(samples: Sequence[Mapping[str, Any]], warm_up: int) -> dict[str, Any]:
    """What was resident after the warm-up, at the end and at most, and how it grew with the turns between."""
    warm = [sample for sample in samples if sample["turns"] >= warm_up] or [*samples[-1:]]
    first, last = warm[0]["bytes"], warm[-1]["bytes"]
    return {
        "resident_mib": {
            "after_warm_up": round(first / _MIB, 1), "end": round(last / _MIB, 1),
            "most": round(max(sample["bytes"] for sample in warm) / _MIB, 1),
        },
        "growth": round(last / first, 4), "slope_kib": _slope(warm), "slope_second_half_kib": _slope(warm[len(warm) // 2 :]),
    }  # fmt: skip


def _slope(samples: Sequence[Mapping[str, Any]]) -> float | None:
    """KiB for each 1,000 turns, by least squares; None of fewer than two samples."""
    if len(samples) < 2:
        return None
    turns, held = [s["turns"] / 1000 for s in samples], [s["bytes"] / _KIB for s in samples]
    return round(statistics.linear_regression(turns, held).slope, 1)


def targets(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Whether memory is flat."""
    return [
        {
            "target": "resident memory at the end to that after the warm-up", "is": result["growth"],
            "at_most": FLAT, "met": result["growth"] <= FLAT,
        }
    ]  # fmt: skip
