"""Re-embedding: another model is refused by name of the command, and the command goes on where it was killed."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from typing_extensions import override

from server.cycle import run_cycle
from server.jobs.schedule import CHORES, Hands, Terms, mind_memory
from server.memory import embed_owed, reembed
from tests.tools.memory.histories import MODEL, said
from tests.world import World, message, proposing
from tools.channels.base import everywhere
from tools.channels.local import LocalChannel
from tools.clock import FrozenClock
from tools.errors import Misconfigured, Unavailable
from tools.memory.embeddings import LocalEmbedder, Vector


@dataclass(frozen=True, slots=True)
class Other:
    """Another model, of three dimensions, which may fail after so many texts."""

    model_id: str = "other/3"
    dimensions: int = 3
    fails: bool = False

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """The lengths of the texts."""
        if self.fails:
            raise Unavailable("The embedding model did not answer.")
        return [[float(len(text)), 1.0, 0.0] for text in texts]


async def _start(world: World, embedder: Other | LocalEmbedder) -> None:
    engine = world.engine(proposing(message()))
    object.__setattr__(engine.deps, "embedder", embedder)
    await engine.open()


async def test_another_model_is_refused_at_the_start_with_the_command_that_re_embeds(world: World) -> None:
    world.customer()
    await _start(world, LocalEmbedder())
    said(world, "Something.")

    with pytest.raises(Misconfigured, match=r"wordllama.*other/3.*run `dunwell memory reembed`"):
        await _start(world, Other())

    done = await reembed(world.pool, Other(), world.clock)
    assert (done.embedded, done.left) == (1, 0)
    await _start(world, Other())
    with pytest.raises(Misconfigured, match="dunwell memory reembed"):
        await _start(world, LocalEmbedder())


async def test_an_installation_without_vectors_takes_any_model(world: World) -> None:
    await _start(world, LocalEmbedder())
    await _start(world, Other())
    assert world.sql("SELECT model_id, dimensions FROM embedding_model") == [("other/3", 3)]


async def test_a_conversation_goes_on_while_it_is_re_embedded_and_loses_nothing(world: World) -> None:
    world.customer()
    said(world, *(f"Message {n}." for n in range(450)))
    seen: list[int] = []

    async def serve() -> None:
        for n in range(4):
            await world.engine(proposing(message())).run(await world.hears(f"How much do I owe? {n}"))

    await asyncio.gather(
        serve(), reembed(world.pool, Other(), world.clock, progress=lambda done, _: seen.append(done))
    )
    again = await reembed(world.pool, Other(), world.clock)

    assert seen == sorted(seen)
    assert again.left == 0
    assert world.sql("SELECT DISTINCT embedding_model FROM message") == ["other/3"]


async def test_a_text_that_changed_or_was_erased_meanwhile_keeps_no_old_vector(world: World) -> None:
    world.customer()
    first, second, third = said(world, "One.", "Two.", "Three.", embedded=False)
    world.sql("UPDATE message SET body_digest = id::text")

    class Meanwhile(Other):
        @override
        async def embed(self, texts: Sequence[str]) -> list[Vector]:
            if len(texts) == 3:
                world.sql("UPDATE message SET body = 'Newer.', body_digest = 'x' WHERE id = %s", first)
                world.sql("UPDATE message SET body = NULL, salt = NULL WHERE id = %s", second)
            return [[float(len(text)), 1.0, 0.0] for text in texts]

    done = await reembed(world.pool, Meanwhile(), world.clock)

    assert (done.embedded, done.left) == (2, 0)
    assert world.sql("SELECT id, embedding::text FROM message WHERE embedding IS NOT NULL ORDER BY id") == [
        (first, "[6,1,0]"), (third, "[6,1,0]"),
    ]  # fmt: skip


async def test_an_endpoint_that_is_down_costs_the_vector_and_not_the_answer(world: World) -> None:
    world.customer()
    engine = world.engine(proposing(message()))
    object.__setattr__(engine.deps, "embedder", Other(fails=True))

    outcome = await engine.run(await world.hears())

    assert outcome.state == "committed"
    assert world.count("outbox") == 1
    assert world.count("message", "embedding IS NULL") == 2


async def test_the_next_cycle_embeds_what_the_endpoint_owes_and_goes_on_while_it_is_still_down(
    world: World,
) -> None:
    world.customer()
    engine = world.engine(proposing(message()))
    object.__setattr__(engine.deps, "embedder", Other(fails=True))
    await engine.run(await world.hears())

    report = await run_cycle(engine, everywhere(LocalChannel()))
    assert (report.dispatched.sent, report.failed) == (1, [])
    assert world.count("message", "embedding IS NULL") == 2

    object.__setattr__(engine.deps, "embedder", LocalEmbedder())
    await run_cycle(engine, everywhere(LocalChannel()))
    assert world.sql("SELECT DISTINCT embedding_model FROM message") == [MODEL]


async def test_workers_embed_what_is_owed_too_and_wait_while_the_endpoint_is_silent(world: World) -> None:
    world.customer()
    said(world, "A first message.", embedded=False)
    engine = world.engine(proposing())
    object.__setattr__(engine.deps, "embedder", Other(fails=True))
    await mind_memory(Hands(engine, Terms()))
    assert world.count("message", "embedding IS NULL") == 1

    object.__setattr__(engine.deps, "embedder", LocalEmbedder())
    await mind_memory(Hands(engine, Terms()))
    assert world.count("message", "embedding IS NULL") == 0
    assert mind_memory in [chore.work for chore in CHORES]


async def test_what_is_owed_is_found_in_batches_and_leaves_other_models_vectors_alone(world: World) -> None:
    world.customer()
    said(world, *(f"Message {n}." for n in range(450)), embedded=False)
    said(world, "An old one.")
    [erased] = said(world, "Gone.", embedded=False)
    world.sql("UPDATE message SET body = NULL WHERE id = %s", erased)
    world.sql("UPDATE message SET body_digest = id::text")

    assert await embed_owed(world.pool, Other()) == 450
    assert await embed_owed(world.pool, Other()) == 0
    assert world.sql("SELECT embedding_model, count(*) FROM message GROUP BY 1 ORDER BY 1") == [
        ("other/3", 450), (MODEL, 1), (None, 1),
    ]  # fmt: skip


async def test_both_messages_of_a_turn_are_embedded_by_its_commit(world: World) -> None:
    world.customer()
    await world.engine(proposing(message())).run(await world.hears())

    assert world.sql("SELECT direction, embedding_model, vector_dims(embedding) FROM message ORDER BY id") == [
        ("in", MODEL, 256), ("out", MODEL, 256),
    ]  # fmt: skip


async def test_a_process_that_still_runs_with_a_replaced_model_stores_no_vectors_of_it(world: World) -> None:
    world.customer()
    engine = world.engine(proposing(message()))
    world.sql("INSERT INTO embedding_model (model_id, dimensions, since) VALUES ('newer', 3, now())")
    await engine.run(await world.hears())

    assert world.sql("SELECT direction, embedding_model, embedding FROM message ORDER BY id") == [
        ("in", None, None), ("out", None, None),
    ]  # fmt: skip


async def test_a_message_that_waited_for_approval_is_embedded_when_it_is_approved(world: World) -> None:
    from agent.approvals import decide
    from tests.world import MANAGER

    world.customer(segment="draft")
    engine, [waiting] = await world.asked(message())
    await decide.decide(engine, waiting, await world.decision(waiting), MANAGER)

    assert world.count("message", "direction = 'out' AND embedding IS NOT NULL") == 1


def _command(conninfo: str) -> tuple[list[str], dict[str, str]]:
    environment = {**os.environ, "DUNWELL_DATABASE_URL": conninfo}
    return [sys.executable, "-m", "server.cli", "memory", "reembed", "--json"], environment


def test_a_run_that_is_killed_is_taken_up_where_it_stopped(world: World, clock: FrozenClock) -> None:
    """Kill -9 in the middle, by the clock of the rows: what was embedded stays, the rest is done by the next run."""
    world.customer()
    many = 12_000
    world.sql(
        """INSERT INTO message (customer_id, direction, channel, body, body_digest, provider_id, at)
           SELECT 'cust-1', 'in', 'sms', 'Message number ' || n, n::text, n::text, %s FROM generate_series(1, %s) n""",
        clock.now(), many,
    )  # fmt: skip
    command, environment = _command(world.conninfo)
    running = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    while not world.count("message", "embedding IS NOT NULL"):
        assert running.poll() is None, "it ended before it had begun"
        time.sleep(0.02)  # whoever looks all the time keeps it from beginning
    running.kill()
    running.wait()
    kept = world.count("message", "embedding IS NOT NULL")
    assert 0 < kept < many
    assert world.count("embedding_model") == 0

    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)

    report = json.loads(done.stdout)
    assert (report["embedded"], report["left"], report["messages"]) == (many - kept, 0, many)
    assert world.sql("SELECT model_id FROM embedding_model") == [MODEL]
    assert world.count("message", "embedding IS NULL") == 0
