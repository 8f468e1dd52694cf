"""A worker died in the middle of a chore: the others take over, even where the chore's next tick waits already."""

from server.jobs.schedule import Chore, Hands
from tests.server.jobs.working import jobs, unhandled, until, worker, writes
from tests.world import World, proposing


async def test_a_chore_that_died_while_its_next_tick_waited_holds_up_neither_itself_nor_the_queue(
    world: World,
) -> None:
    world.customer()
    done = list[int]()

    async def count(_: Hands) -> None:
        done.append(1)

    for status in ("doing", "todo"):
        world.sql(
            """INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args, status)
               VALUES ('chores', 'count', 20, 'chore: count', 'chore: count', '{"timestamp": 0}', %s)""",
            status,
        )
    await writes(world)

    async with worker(world.engine(proposing()), chores=(Chore("count", "0 0 1 1 *", count),)):
        await until(lambda: unhandled(world) == 0 and done)
        await until(lambda: jobs(world) == 0)

    assert world.count("procrastinate_jobs") == 0
    assert done == [1]


async def test_a_turn_that_is_held_twice_by_the_dead_is_done_once(world: World) -> None:
    world.customer()
    await writes(world)
    world.sql("UPDATE procrastinate_jobs SET status = 'doing'")
    world.sql(
        """INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args, status)
           SELECT queue_name, task_name, priority, lock || '-2', queueing_lock, args, 'doing' FROM procrastinate_jobs"""
    )
    async with worker(world.engine(proposing())):
        await until(lambda: unhandled(world) == 0 and jobs(world) == 0)

    assert world.count("episode") == 1
