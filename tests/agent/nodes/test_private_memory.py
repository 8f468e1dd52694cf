"""Memory is one customer's and stays in our tables: it is in no other prompt, no checkpoint and no log line."""

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from structlog.testing import capture_logs

from tests.tools.memory.histories import said
from tests.world import World, far_follow_up, message, note, proposing
from tools.errors import Unavailable
from tools.memory.embeddings import Vector, embed_locally

QUESTION = "What is the code of the gate, and when does accounts payable pay?"
TALK = [f"The technician came on day {n} and the heater works." for n in range(30)]


async def test_what_one_customer_said_is_in_no_other_customers_prompt(world: World) -> None:
    """Both said nearly the same, long ago; the same question finds each one's own words, as hits and as facts."""
    for customer, code in (("acme", "7313"), ("acme-corp", "9923")):
        world.customer(customer)
        said(
            world,
            f"The gate code is {code}.",
            f"Accounts payable pays on the {code}th hour.",
            *TALK,
            customer=customer,
        )
        await world.engine(proposing(note(f"Has the gate code {code}."))).run(
            await world.hears("Listen.", customer)
        )

    for customer, own, other in (("acme", "7313", "9923"), ("acme-corp", "9923", "7313")):
        model = proposing(message())
        await world.engine(model).run(await world.hears(QUESTION, customer))
        document = json.loads(model.asked[0][1].text)
        assert sum(own in hit["text"] for hit in document["memory"]) == 2
        assert own in document["standing_facts"][0]["fact"]
        assert not any(other in str(asked.text) for asks in model.asked for asked in asks)


async def test_neither_what_memory_found_nor_a_vector_is_in_a_checkpoint(world: World) -> None:
    world.customer(segment="draft")
    said(world, "The gate code is 7313.", *TALK)
    model = proposing(note("Asks for the zanzibar code."), message(), far_follow_up())

    outcome = await world.engine(model).run(await world.hears(QUESTION))

    assert "gate code is 7313" in model.asked[0][1].text
    assert len(outcome.approvals) == 2
    stored = [
        value if isinstance(value, bytes) else str(value).encode()
        for table in ("checkpoints", "checkpoint_blobs", "checkpoint_writes")
        for row in world.sql(f"SELECT * FROM {table}")
        for value in row
    ]
    numbers = [x for text in (QUESTION, TALK[0]) for x in embed_locally([text])[0][:8]]
    forbidden = [
        b"7313", b"gate", b"zanzibar", b"technician",
        *(form for x in numbers for form in (f"{x:.5f}".lstrip("-").encode(), struct.pack(">d", x), struct.pack("<f", x))),
    ]  # fmt: skip
    assert len(stored) > 10
    assert [piece for piece in forbidden if any(piece in value for value in stored)] == []


@dataclass(frozen=True, slots=True)
class Silent:
    """An endpoint that does not answer."""

    model_id: str = "silent/3"
    dimensions: int = 3

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Never."""
        raise Unavailable("The embedding model silent did not answer.") from ValueError(" ".join(texts))


@pytest.mark.parametrize("answers", [True, False])
async def test_no_log_line_holds_a_word_or_a_vector(
    world: World, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, answers: bool
) -> None:
    world.customer()
    said(world, "The gate code is 7313.", *TALK)
    engine = world.engine(proposing(note("Asks for the zanzibar code."), message()))
    if not answers:
        object.__setattr__(engine.deps, "embedder", Silent())
    caplog.set_level(0)

    with capture_logs() as events:
        await engine.run(await world.hears(QUESTION))

    written = "".join([*map(str, events), caplog.text, *capsys.readouterr()])
    assert any(event["event"] == "embedding_failed" for event in events) is not answers
    assert [word for word in ("7313", "gate", "zanzibar", "technician", "Odalys") if word in written] == []
    assert not any(f"{x:.5f}".lstrip("-") in written for x in embed_locally([QUESTION])[0][:8])
