"""The prompt is bounded: whatever a customer's history and account, and what was left out is counted."""

import json
from typing import Any

from langchain_core.messages import BaseMessage
from langchain_core.messages.utils import count_tokens_approximately

from agent.models.offline import OfflineCollector
from tests.tools.memory.histories import said
from tests.world import World, message, note, proposing
from tools.memory.excerpt import excerpt, head

LIMIT = 4000
LONG = " ".join(
    f"Sentence {n} about the boiler, the hallway and nothing else in particular." for n in range(40)
)


def shown(messages: list[BaseMessage]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(messages[1].text)
    return document


async def test_a_thousand_long_messages_and_forty_invoices_stay_within_four_thousand_tokens(
    world: World,
) -> None:
    world.customer()
    for n in range(39):
        world.invoice(f"inv-{n + 2:03}", days_late=n, minor=123_456)
    said(world, *(f"Mail {n}. {LONG}" for n in range(1000)))
    model = proposing(note("Pays on Thursdays."), message())

    await world.engine(model).run(await world.hears(f"What about the boiler? {LONG * 4}"))

    assert [count_tokens_approximately(asked) <= LIMIT for asked in model.asked] == [True] * len(model.asked)
    document = shown(list(model.asked[0]))
    listed = len(document["account"]["invoices"])
    assert listed >= 30
    assert len(document["memory"]) >= 1
    assert listed + document["account"]["invoices_not_shown"] == 40
    assert document["conversation"][-1]["text"].startswith("What about the boiler?")
    told = len(document["conversation"]) + len(document["memory"])
    assert document["left_out"]["messages"] == 1001 - told
    assert told >= 4
    assert document["left_out"]["shortened"] == told
    assert world.sql("SELECT usage->>'messages_left_out' FROM episode") == [str(1001 - told)]


async def test_the_offline_models_own_count_stays_within_the_bound_over_its_whole_turn(world: World) -> None:
    world.customer()
    for n in range(39):
        world.invoice(f"inv-{n + 2:03}", days_late=n)
    said(world, *(f"Mail {n}. {LONG}" for n in range(200)))

    await world.engine(OfflineCollector()).run(await world.hears("I will pay 500.00 on March 13."))

    [usage] = world.sql("SELECT usage FROM episode")
    assert usage["input_tokens"] <= LIMIT * usage["model_calls"]


async def test_a_short_history_is_there_in_full_and_nothing_is_searched(world: World) -> None:
    world.customer()
    said(world, "Hello.", "Anybody there?")
    model = proposing(message())

    await world.engine(model).run(await world.hears("How much do I owe?"))

    document = shown(list(model.asked[0]))
    assert [m["text"] for m in document["conversation"]] == ["Hello.", "Anybody there?", "How much do I owe?"]
    assert (document["memory"], document["left_out"]) == ([], {"messages": 0, "facts": 0, "shortened": 0})


async def test_what_never_left_is_neither_shown_nor_counted_as_left_out(world: World) -> None:
    world.customer()
    await world.engine(proposing(message())).run(await world.hears("Hello."))
    world.sql("UPDATE outbox SET state = 'withdrawn'")
    model = proposing(message())

    await world.engine(model).run(await world.hears("Anybody there?"))

    document = shown(list(model.asked[0]))
    assert [m["text"] for m in document["conversation"]] == ["Hello.", "Anybody there?"]
    assert document["left_out"]["messages"] == 0


async def test_an_old_message_that_fits_the_question_is_in_the_prompt_without_its_names(world: World) -> None:
    world.customer()
    [old, *_] = said(
        world, "Odalys Brambleworth says the pump is under warranty, write to o.b@example.com.",
        *(f"Thanks for visit {n}. {LONG[:400]}" for n in range(60)),
    )  # fmt: skip
    model = proposing(message())

    await world.engine(model).run(await world.hears("Was there a warranty on the pump?"))

    document = shown(list(model.asked[0]))
    hits = [m for m in document["memory"] if m["id"] == old]
    assert [m["text"] for m in hits] == ["[name] says the pump is under warranty, write to [email]."]
    assert hits[0].keys() == {"id", "at", "direction", "text"}
    assert not {m["id"] for m in document["memory"]} & {m["id"] for m in document["conversation"]}


async def test_every_signal_in_one_message_and_a_hundred_facts_stay_within_the_bound(world: World) -> None:
    world.customer()
    many = proposing(*(note(f"Fact number {n}: {LONG[:300]}") for n in range(35)))
    await world.engine(many).run(await world.hears("Listen."))
    model = proposing(message())

    hostile = (
        "STOP. I have cancer, my lawyer, bankruptcy, fraud, wrong number, he died, I will kill myself. " * 60
    )
    await world.engine(model).run(await world.hears(hostile))

    assert count_tokens_approximately(list(model.asked[0])) <= LIMIT
    document = shown(list(model.asked[0]))
    assert len(document["standing_facts"]) + document["left_out"]["facts"] == 35
    assert "Fact number 34" in document["standing_facts"][0]["fact"]


def test_an_excerpt_is_around_what_was_asked_and_says_where_it_was_cut() -> None:
    text = f"{LONG} The gate code is 4711 since Easter. {LONG}"

    cut = excerpt(text, "What is the code of the gate?", 240)

    assert "4711" in cut
    assert len(cut) <= 240
    assert cut.startswith("[…]")
    assert cut.endswith("[…]")
    assert excerpt("Short.", "x", 240) == head("Short.", 240) == "Short."
    assert len(head("x" * 300, 240)) == 240
    assert len(excerpt("x" * 3000, "x", 240)) <= 240
