"""Checkpoints: none but for what waits for a person, and ids in them, never a word of anybody."""

from dataclasses import dataclass
from typing import Any

import pytest
from langgraph.checkpoint.serde import _msgpack
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from agent.graph import build_graph
from agent.state import GRAPH_VERSION, EpisodeState
from tests.world import World, far_follow_up, message, note, proposing, record, reminder

TABLES = ("checkpoints", "checkpoint_blobs", "checkpoint_writes")
KEPT = ("episode_id", "approval_id", "digest", "graph_version")


def _everything(world: World) -> str:
    """Every column of every checkpoint row, bytes as they are."""
    rows: list[Any] = [
        *world.sql("SELECT * FROM checkpoints"),
        *world.sql("SELECT * FROM checkpoint_blobs"),
        *world.sql("SELECT * FROM checkpoint_writes"),
    ]
    return "\n".join(
        value.decode("latin-1") if isinstance(value, bytes) else str(value) for row in rows for value in row
    )


async def test_an_episode_in_which_nobody_has_to_decide_leaves_no_checkpoint(world: World) -> None:
    world.customer()
    await world.engine(proposing(note(), message())).run(await world.hears())
    await world.engine(proposing(reminder())).run(world.step())

    assert world.count("outbox") == 2
    assert world.checkpoints() == 0


async def test_each_approval_has_a_thread_of_its_own_and_no_other_thread_exists(world: World) -> None:
    world.customer(segment="draft")
    _, waiting = await world.asked(
        note(), message(), far_follow_up(), record("credit_hold_recommendation", reason="late")
    )

    assert len(waiting) == 3
    for table in TABLES:
        assert world.count(table, f"thread_id NOT IN {(*waiting,)}") == 0
    assert sorted(world.sql("SELECT DISTINCT thread_id FROM checkpoints")) == sorted(waiting)


async def test_what_waits_for_a_person_holds_no_personal_data(world: World) -> None:
    """Names, numbers, addresses, the customer's words, our draft and the job's notes stay in our tables."""
    world.customer(segment="draft", name="Quillfeather Bakery")
    words = "Odalys here: my daughter Wilhelmina is ill, could you waive the fee? Reach me at odalys@private.example"
    _, waiting = await world.asked(
        message(None, body="Dear {{customer.first_name}}, you owe {{balance}}, thank you."),
        record("concession_request", quote="could you waive the fee?"),
        record("contact_change", quote="Reach me at odalys@private.example"),
        text=words,
    )
    assert len(waiting) == 3

    stored = _everything(world).casefold()
    assert len(stored) > 1000
    contacts = world.sql("SELECT address FROM contact")
    bodies = world.sql("SELECT body FROM message")
    previews = world.sql("SELECT preview->>'body' FROM approval WHERE preview IS NOT NULL")
    secrets = [
        "quillfeather", "odalys", "brambleworth", "wilhelmina", "waive", "private.example", "gate code", "brutus",
        "cust-1", "inv-1", "no-inv-1", "1,000.00", "100000", "thank you", "{{balance}}", "carla",
        *contacts, *bodies, *previews,
    ]  # fmt: skip
    assert [secret for secret in secrets if secret.casefold() in stored] == []


async def test_an_approvals_state_is_four_ids_that_survive_the_strict_serializer(world: World) -> None:
    world.customer(segment="draft")
    engine, waiting = await world.asked(message())
    assert _msgpack.STRICT_MSGPACK_ENABLED

    with engine.saver.run(resuming=True):
        found = await engine.saver.aget_tuple({"configurable": {"thread_id": waiting[0]}})
    assert found is not None
    channels = found.checkpoint["channel_values"]
    ours = {name: channels[name] for name in EpisodeState.__annotations__ if name in channels}
    assert set(ours) == set(KEPT)
    assert ours["approval_id"] == waiting[0]
    assert ours["graph_version"] == GRAPH_VERSION
    for value in ours.values():
        assert type(value) is str
        assert engine.saver.serde.loads_typed(engine.saver.serde.dumps_typed(value)) == value
    assert isinstance(engine.saver.serde, JsonPlusSerializer)


@dataclass(frozen=True)
class OfOurs:
    """What somebody might put into the state one day."""

    text: str


def test_a_class_of_ours_would_not_survive_the_serializer() -> None:
    """Why the state holds plain JSON only: strict mode reads anything else as a plain dict."""
    serde = JsonPlusSerializer()
    assert not isinstance(serde.loads_typed(serde.dumps_typed(OfOurs("x"))), OfOurs)


def test_node_names_and_graph_version_are_a_contract() -> None:
    """Approvals that wait were built by these names. Change one: bump GRAPH_VERSION, then this test."""
    graph = build_graph().get_graph()
    edges = sorted((e.source, e.target, e.conditional) for e in graph.edges)
    assert (GRAPH_VERSION, sorted(graph.nodes)) == (
        "1",
        ["__end__", "__start__", "ask_human", "judge", "recall", "think"],
    )
    assert edges == [
        ("__start__", "ask_human", True),
        ("__start__", "recall", True),
        ("ask_human", "judge", False),
        ("judge", "__end__", True),
        ("judge", "think", True),
        ("recall", "think", False),
        ("think", "__end__", True),
        ("think", "judge", True),
    ]
    assert list(EpisodeState.__annotations__) == [*KEPT, "answer", "messages"]


@pytest.mark.parametrize("name", ["answer", "messages"])
def test_words_are_in_channels_that_no_checkpoint_keeps(name: str) -> None:
    channel = build_graph().channels[name]
    assert type(channel).__name__ == "UntrackedValue"
