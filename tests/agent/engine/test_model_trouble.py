"""A provider that misbehaves over HTTP: whatever it does, one reply leaves or a person has the customer, within bounds."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from langchain_core.messages import AIMessage, BaseMessage
from prometheus_client import REGISTRY
from pydantic import SecretStr

from agent.deps import Bounds, Mind
from agent.engine.run import Engine
from agent.models.factory import ModelConfig, build_model
from agent.models.offline import OfflineCollector
from agent.signals import detect
from server.sender import dispatch_due
from tests.agent.models.fake_openai import Brain, offline_brain, run_fake_openai
from tests.world import World, message, note, said
from tools.channels.base import everywhere
from tools.channels.local import LocalChannel
from tools.errors import Unavailable
from tools.memory.embeddings import LocalEmbedder

RETRIES = 2
WALL = 2.0  # seconds; long enough to read an account on a busy machine
LOOK = {"name": "read_customer_risk", "args": {"horizon": "late_7d"}}
AT_ONCE = {"retry-after-ms": "1"}  # the client would wait half a second and more


def completion(
    finish: str = "stop", tokens: int = 100, *, arguments: str | None = None, **fields: Any
) -> Response:
    """A chat completion as it travels; `arguments` are those of one call to the message tool, as they stand."""
    called = {"name": "generate_dunning_message", "arguments": arguments}
    calls = [{"id": "call_1", "type": "function", "function": called}] if arguments is not None else None
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": None, "tool_calls": calls, **fields},
        "finish_reason": finish,
    }
    usage = {"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens}
    return JSONResponse(
        {
            "id": "c",
            "object": "chat.completion",
            "created": 0,
            "model": "fake",
            "choices": [choice],
            "usage": usage,
        }
    )


def drip() -> Iterator[str]:
    """A body that never ends, and never keeps anybody waiting long enough for a timeout of the client."""
    until = time.monotonic() + 4
    while time.monotonic() < until:
        time.sleep(0.05)
        yield " "


def silent() -> Response:
    """No answer before the client has given up."""
    threading.Event().wait(0.6)
    return Response(status_code=500)


REPLY = json.dumps(message()["args"])
NO_ANSWER, USED_UP = "the model did not answer", "the model used up its calls"


@dataclass(frozen=True, slots=True)
class Case:
    """What the provider answers, always; how often it is asked at most; and what the log says was wrong."""

    answers: Callable[[], AIMessage | Response]
    calls: int
    why: str


CASES = {
    "does not answer in time": Case(silent, 1 + RETRIES, NO_ANSWER),
    "answers for ever": Case(lambda: StreamingResponse(drip()), 1, "the turn took too long"),
    "429": Case(lambda: Response(status_code=429, headers=AT_ONCE), 1 + RETRIES, NO_ANSWER),
    "500": Case(lambda: Response(status_code=500, headers=AT_ONCE), 1 + RETRIES, NO_ANSWER),
    "503": Case(lambda: Response(status_code=503, headers=AT_ONCE), 1 + RETRIES, NO_ANSWER),
    "401": Case(lambda: Response(status_code=401), 1, NO_ANSWER),
    "malformed JSON": Case(lambda: Response('{"id": "c", "choices": [{', media_type="application/json"), 1, NO_ANSWER),
    "a web page": Case(lambda: HTMLResponse("<h1>Back soon</h1>"), 1, NO_ANSWER),
    "no choices": Case(lambda: JSONResponse({"id": "c", "model": "fake", "choices": []}), 1, NO_ANSWER),
    "a truncated tool call": Case(
        lambda: completion("length", arguments=REPLY[:40]), 1, "the model's answer was cut off"
    ),
    "a whole call in a truncated answer": Case(
        lambda: completion("length", arguments=REPLY), 1, "the model's answer was cut off"
    ),
    "arguments that are no JSON": Case(lambda: completion(arguments="{purpose: reply"), 8, USED_UP),
    "a refusal": Case(lambda: completion(refusal="I will not write to debtors."), 1, "the model refused"),
    "a content filter": Case(lambda: completion("content_filter", content=""), 1, "the model refused"),
    "an empty answer": Case(lambda: completion(content=""), 1, "the model's answer was empty"),
    "prose": Case(lambda: completion(content="I would tell them what they owe."), 1, "the model proposed nothing"),
    "an endless tool loop": Case(lambda: said(LOOK), 8, USED_UP),
    "an endless loop that writes": Case(lambda: said(message(), note(str(time.monotonic_ns()))), 8, USED_UP),
    "a hundred calls at once": Case(
        lambda: said(*(note(f"fact {n}") for n in range(100))), 1, "the model made too many calls"
    ),
    "a turn's budget used up": Case(
        lambda: completion(arguments=REPLY, tokens=40_000), 2, "the model used up its tokens"
    ),
}  # fmt: skip


def brain(case: Case) -> Brain:
    """A brain that always answers so."""
    return lambda _messages, _tools: case.answers()


def engine_on(world: World, url: str, *, fallback: bool = True, **given: Any) -> Engine:
    """The world's engine with a model at that endpoint, and the offline model to fall back to."""
    seconds = given.pop("timeout", 0.15)
    config = ModelConfig("openai", "fake", SecretStr("k"), url, timeout=seconds, max_retries=RETRIES)
    deps = world.engine(build_model(config)).deps
    mind = Mind.of(OfflineCollector(), "offline") if fallback else None
    bounds = Bounds(wall_seconds=given.pop("wall", 20.0))
    return Engine(replace(deps, model_id="openai:fake", fallback=mind, bounds=bounds, **given))


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    """The first use loads the embedding model and the lexicons, which is no part of a turn's bound here."""
    asyncio.run(LocalEmbedder().embed(["warm"]))
    detect("warm")


def sent_templates(world: World) -> list[tuple[str, str]]:
    """Template and state of every message in the outbox."""
    return world.sql(
        "SELECT d.args->>'template', o.state FROM outbox o JOIN decision_args d ON d.decision_id = o.decision_id ORDER BY o.id"
    )


def troubles(why: str) -> float:
    """How often this process has seen that trouble."""
    return REGISTRY.get_sample_value("dunwell_model_trouble_total", {"model": "openai:fake", "why": why}) or 0


@pytest.mark.parametrize("name", CASES)
async def test_the_offline_model_takes_the_turn_and_exactly_one_reply_leaves(world: World, name: str) -> None:
    case, requests = CASES[name], []  # type: ignore[var-annotated]  # filled by the server
    world.customer()
    before = troubles(case.why)
    with run_fake_openai(brain(case), requests=requests) as url:
        engine = engine_on(world, url, wall=WALL if case.why == "the turn took too long" else 20.0)
        trigger = await world.hears()
        outcome = await engine.run(trigger)
        again = await engine.run(trigger)

    assert (outcome.state, again.state) == ("committed", "fenced")
    assert (await dispatch_due(engine, everywhere(LocalChannel()))).sent == 1
    assert sent_templates(world) == [("balance_reply", "delivered")]
    assert len(requests) == case.calls
    assert world.sql("SELECT model_id, outcome FROM episode") == [("offline", "settled")]
    assert world.sql("SELECT subject FROM activity_log WHERE action = 'model.fell_back'") == [
        {"from": "openai:fake", "to": "offline", "why": case.why}
    ]
    assert troubles(case.why) == before + 1
    assert world.count("standing_fact") == 0  # nothing of what the first model proposed has stayed
    assert world.count("message", "direction = 'in' AND handled_at IS NULL") == 0
    assert await world.chain_holds()


@pytest.mark.parametrize("name", CASES)
async def test_without_a_fallback_a_person_has_the_customer(world: World, name: str) -> None:
    case, requests = CASES[name], []  # type: ignore[var-annotated]  # filled by the server
    world.customer(owner="marcus")
    with run_fake_openai(brain(case), requests=requests) as url:
        engine = engine_on(
            world, url, fallback=False, wall=WALL if case.why == "the turn took too long" else 20.0
        )
        await engine.run(await world.hears())

    assert len(requests) == case.calls
    assert world.sql("SELECT kind, assignee FROM follow_up") == [("review", "marcus")]
    assert world.sql("SELECT model_id, outcome FROM episode") == [("openai:fake", f"cut short: {case.why}")]
    assert world.count("message", "direction = 'in' AND handled_at IS NULL") == 0
    assert (await dispatch_due(engine, everywhere(LocalChannel()))).sent <= 1


def in_order(*answers: AIMessage | Response) -> Brain:
    """A brain that gives these answers, and then is down."""
    left = list(answers)
    return lambda _messages, _tools: left.pop(0) if left else Response(status_code=500, headers=AT_ONCE)


async def test_a_call_that_succeeds_on_its_second_try_is_the_models_own_turn(world: World) -> None:
    world.customer()
    calls = 0

    def shaky(messages: Sequence[BaseMessage], tools: Sequence[dict[str, Any]]) -> AIMessage | Response:
        nonlocal calls
        calls += 1
        return Response(status_code=500, headers=AT_ONCE) if calls % 2 else offline_brain(messages, tools)

    with run_fake_openai(shaky) as url:
        await engine_on(world, url).run(await world.hears())

    assert world.sql("SELECT model_id, outcome FROM episode") == [("openai:fake", "settled")]
    assert [template for template, _ in sent_templates(world)] == ["balance_reply"]


async def test_a_model_that_fails_after_it_proposed_leaves_no_half_of_its_turn(world: World) -> None:
    """It had staged a reply and a note when it went down: the offline model's whole turn counts, and one reply leaves."""
    world.customer()
    with run_fake_openai(in_order(said(message("invoice_copy_reply"), note("half a turn")))) as url:
        engine = engine_on(world, url)
        await engine.run(await world.hears())
        await dispatch_due(engine, everywhere(LocalChannel()))

    assert [template for template, _ in sent_templates(world)] == ["balance_reply"]
    assert world.count("standing_fact") == 0


async def test_an_opt_out_holds_though_the_provider_is_down(world: World) -> None:
    world.customer()
    with run_fake_openai(in_order()) as url:
        engine = engine_on(world, url)
        await engine.run(await world.hears("STOP"))

    assert world.count("suppression") == 1
    assert [template for template, _ in sent_templates(world)] == ["opt_out_confirmation"]


async def test_our_own_initiative_is_taken_over_or_waits_as_the_settings_say(world: World) -> None:
    world.customer()
    with run_fake_openai(in_order()) as url:
        with pytest.raises(Unavailable, match="tried again"):
            await engine_on(world, url, fallback=False).run(world.step())
        assert world.count("episode") == 0
        await engine_on(world, url).run(world.step())

    assert [template for template, _ in sent_templates(world)] == ["reminder_1"]


async def test_the_days_budget_holds_over_turns_and_is_new_the_next_day(world: World) -> None:
    """The first turn uses up the 150 tokens; the others cost nothing; tomorrow the model thinks again."""
    requests: list[dict[str, Any]] = []
    for n in range(4):
        world.customer(f"k{n}")

    def spends(messages: Sequence[BaseMessage], tools: Sequence[dict[str, Any]]) -> AIMessage:
        answer = offline_brain(messages, tools)
        answer.usage_metadata = {"input_tokens": 50, "output_tokens": 25, "total_tokens": 75}
        return answer

    with run_fake_openai(spends, requests=requests) as url:
        engine = engine_on(world, url, tokens_per_day=150)
        for n in range(3):
            await engine.run(await world.hears(customer=f"k{n}"))
        used = len(requests)
        # Another process on the same database has the same budget.
        await engine_on(world, url, tokens_per_day=150).run(await world.hears(customer="k2"))
        assert len(requests) == used == 2
        world.clock.advance(timedelta(days=1))
        await engine.run(await world.hears(customer="k3"))

    assert len(requests) > used
    thought = world.sql("SELECT customer_id, model_id FROM episode ORDER BY customer_id, id")
    assert {customer for customer, model in thought if model == "openai:fake"} == {"k0", "k3"}
    assert world.sql("SELECT calls, tokens FROM model_day ORDER BY day") == [(2, 150), (2, 150)]
    assert world.count("follow_up") == 0


async def test_an_endpoint_that_counts_no_tokens_is_counted_for(world: World) -> None:
    world.customer()

    def uncounted(messages: Sequence[BaseMessage], tools: Sequence[dict[str, Any]]) -> Response:
        answer = offline_brain(messages, tools)
        arguments = json.dumps(answer.tool_calls[0]["args"]) if answer.tool_calls else None
        body = json.loads(bytes(completion(arguments=arguments, content=answer.text or None).body))
        del body["usage"]
        return JSONResponse(body)

    with run_fake_openai(uncounted) as url:
        await engine_on(world, url, tokens_per_day=10**6).run(await world.hears())

    assert world.sql("SELECT tokens FROM model_day")[0] > 500
    assert world.sql("SELECT model_id FROM episode") == ["openai:fake"]
