"""Health: what is wrong is named, and what is measured is what happened."""

import socket
from collections.abc import Callable, Mapping
from datetime import timedelta

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from agent.models.offline import OfflineCollector
from server.health.metrics import exposed
from server.sender import dispatch_due
from tests.server.conftest import Api, problem
from tests.world import World, far_follow_up, message, note, proposing, record
from tools.channels.base import everywhere
from tools.channels.local import LocalChannel

CHECKS = ["database", "migrations", "queue lag", "stalled jobs", "embeddings"]


async def test_an_installation_in_order_is_ready(api: Api) -> None:
    response = await api.client.get("/readyz")
    assert response.json() == {"status": "ready", "checks": CHECKS}


def behind(world: World) -> None:
    world.sql(
        """INSERT INTO procrastinate_jobs (queue_name, task_name, scheduled_at)
           VALUES ('turns', 'turn', now() - interval '10 minutes')"""
    )


def lost(world: World) -> None:
    world.sql(
        """WITH w AS (INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '2 minutes') RETURNING id)
           INSERT INTO procrastinate_jobs (queue_name, task_name, status, worker_id) SELECT 'turns', 'turn', 'doing', id FROM w"""
    )


def of_another_version(world: World) -> None:
    world.sql("UPDATE alembic_version SET version_num = '0001'")


def of_another_model(world: World) -> None:
    world.sql(
        """INSERT INTO message (customer_id, direction, channel, body, body_digest, at, embedding, embedding_model)
           VALUES ('cust-1', 'out', 'sms', 'hello', '', now(), '[1]', 'another')"""
    )
    world.sql("UPDATE embedding_model SET model_id = 'another'")


TROUBLE: Mapping[str, Callable[[World], None]] = {
    "queue lag": behind, "stalled jobs": lost, "migrations": of_another_version, "embeddings": of_another_model,
}  # fmt: skip


@pytest.mark.parametrize("check", TROUBLE)
async def test_what_is_wrong_is_named_and_nothing_else_is(api: Api, world: World, check: str) -> None:
    world.customer()
    TROUBLE[check](world)
    detail = problem(await api.client.get("/readyz"), 503)["detail"]
    assert [name for name in CHECKS if f"{name}:" in detail] == [check]
    assert (await api.client.get("/healthz")).json() == {"status": "ok"}


async def test_turns_that_wait_for_their_time_or_run_are_no_trouble(api: Api, world: World) -> None:
    world.sql(
        """INSERT INTO procrastinate_jobs (queue_name, task_name, scheduled_at)
           VALUES ('turns', 'turn', now() + interval '1 day')"""
    )
    world.sql(
        """WITH w AS (INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id)
           INSERT INTO procrastinate_jobs (queue_name, task_name, status, worker_id) SELECT 'turns', 'turn', 'doing', id FROM w"""
    )
    assert (await api.client.get("/readyz")).status_code == 200


async def test_metrics_need_a_key(api: Api) -> None:
    problem(await api.client.get("/metrics"), 401)
    assert (await api.get("/metrics")).headers["content-type"].startswith("text/plain")


Sample = tuple[str, frozenset[tuple[str, str]]]


def read(text: str) -> dict[Sample, float]:
    """Every sample of an exposition, by its name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def at(samples: Mapping[Sample, float], name: str, **labels: str) -> float:
    """One sample; 0 where it was never counted."""
    return samples.get((name, frozenset(labels.items())), 0.0)


async def test_metrics_say_what_happened(api: Api, world: World) -> None:
    """One turn: a reply and a note are allowed, one record is refused, one follow-up waits for a person."""
    world.customer()
    world.customer("k1")
    before = read((await api.get("/metrics")).text)
    calls = [message(), note(), record("hardship", quote="words nobody said"), far_follow_up()]
    engine = world.engine(proposing(*calls))
    await engine.run(await world.hears())
    await dispatch_due(engine, everywhere(LocalChannel()))
    world.clock.advance(timedelta(hours=5))
    await world.engine(OfflineCollector()).run(await world.hears(customer="k1"))
    world.sql("UPDATE approval SET asked_at = asked_at - interval '3 hours'")
    behind(world)

    after = read((await api.get("/metrics")).text)

    def grew(name: str, **labels: str) -> float:
        return at(after, name, **labels) - at(before, name, **labels)

    assert grew("dunwell_episode_seconds_count", trigger="inbound") == 2
    assert grew("dunwell_decisions_total", tool="generate_dunning_message", verdict="allow") == 2
    assert grew("dunwell_decisions_total", tool="schedule_follow_up", verdict="ask") == 1
    assert (
        sum(value - before.get(key, 0) for key, value in after.items() if key[0] == "dunwell_refusals_total")
        == 1
    )
    assert grew("dunwell_model_seconds_count", model="scripted") >= 2
    assert grew("dunwell_model_tokens_total", model="scripted", direction="in") > 100
    assert grew("dunwell_sends_total", channel="sms", state="delivered") == 1
    assert at(after, "dunwell_outbox", channel="sms", state="queued") == 1
    assert sum(v for (name, _), v in after.items() if name == "dunwell_approvals_waiting") == 1
    assert at(after, "dunwell_approvals_waiting", kind="follow_up", age="<4h") == 1
    assert at(after, "dunwell_queue_lag_seconds") == pytest.approx(600, abs=60)
    assert at(after, "dunwell_jobs", queue="turns", state="todo") == 1


async def test_a_tool_that_a_model_made_up_is_no_label(api: Api, world: World) -> None:
    world.customer()
    engine = world.engine(proposing({"name": "pay_odalys_brambleworth", "args": {}}))
    await engine.run(await world.hears())
    text = (await api.get("/metrics")).text
    assert "odalys" not in text
    assert at(read(text), "dunwell_decisions_total", tool="unknown", verdict="refuse") >= 1


def test_each_worker_of_a_machine_has_a_port_of_its_own() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        first = taken.getsockname()[1]
        with exposed("127.0.0.1", first) as one, exposed("127.0.0.1", first) as other:
            assert one is not None
            assert other is not None
            assert first < one < other
            for port in (one, other):
                told = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
                assert "dunwell_episode_seconds" in told
    with exposed("127.0.0.1", None) as nowhere:
        assert nowhere is None
