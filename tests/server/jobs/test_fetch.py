"""Fetching a job stays cheap when the queue is long, whatever it was like when the fetch was planned."""

import pytest

from server.jobs.connector import lean_connector
from tests.world import World

JOBS = 1000


def _store(world: World, jobs: int, lock: str) -> None:
    world.sql(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock) "
        f"SELECT 'turns', 'turn', {lock}, 'key-' || n FROM generate_series(1, {jobs}) AS g(n)"
    )


def _rows_read(world: World) -> int:
    [rows] = world.sql(
        "SELECT (seq_tup_read + idx_tup_fetch)::int FROM pg_stat_user_tables WHERE relname = 'procrastinate_jobs'"
    )
    return int(rows)


@pytest.mark.parametrize("backlog", [1, 300])
async def test_a_fetch_that_was_planned_on_an_empty_queue_does_not_read_a_full_one_for_each_of_its_jobs(
    world: World, backlog: int
) -> None:
    [worker] = world.sql("INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id")
    queue = lean_connector(world.pool)
    await queue.open_async()

    async def fetch() -> object:
        query = "SELECT id FROM procrastinate_fetch_job_v2(NULL, %(worker)s)"
        job = await queue.execute_query_one_async(query, worker=worker)
        await queue.execute_query_one_async("SELECT pg_stat_force_next_flush()")
        return job["id"]

    try:
        _store(world, backlog, "'one customer'")
        for _ in range(backlog):
            assert await fetch() is not None
            world.sql("DELETE FROM procrastinate_jobs WHERE status = 'doing'")
        world.sql("VACUUM ANALYZE procrastinate_jobs")
        for _ in range(8):  # from the sixth time on a plan is kept
            assert await fetch() is None
        _store(world, JOBS, "'customer-' || n")
        before = _rows_read(world)
        assert await fetch() is not None
        assert _rows_read(world) - before < 10 * JOBS  # each a few times; each for each were a million
    finally:
        await queue.close_async()
