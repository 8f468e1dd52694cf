"""A foreign agent over HTTP: what is posted, what comes back, and what becomes of everything that goes wrong."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from evals.foreign import protocol
from evals.foreign.client import foreign_agent
from evals.foreign.serve import serving
from evals.providers.loopback import FOREVER, Answer, Loopback, Request
from evals.scenarios.atoms import judge
from evals.scenarios.events import Play
from evals.scenarios.play import TWO_MESSAGES
from evals.scenarios.rules import broken
from evals.scenarios.scenario import Scenario
from evals.scenarios.stage import address_of
from tests.evals.foreign.conftest import conversation, says
from tools.errors import Invalid

_CALL = {"tool": "schedule_follow_up", "args": {"reason": "oracle-only"}}


@dataclass
class _Keeps:
    """Writes down what it is asked, and answers every turn with one message."""

    episode: protocol.Episode | None = None
    turns: list[protocol.Turn] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)

    async def open(self, episode: protocol.Episode) -> str:
        self.episode = episode
        return "one"

    async def turn(self, name: str, turn: protocol.Turn) -> protocol.Answer | None:
        self.turns.append(turn)
        said = {"what": "message", "channel": "sms", "text": f"{name}, answer {len(self.turns)}"}
        read = {"events": [said], "prompt_tokens": 10, "completion_tokens": 2, "model_calls": 1}
        return protocol.Answer.model_validate(read)

    async def close(self, name: str) -> bool:
        self.closed.append(name)
        return True


async def _play(scenario: Scenario, answers: list[Any]) -> Play:
    """Play against a server that gives these answers one by one: an Answer, None to hang up, or seconds of silence."""
    left = list(answers)

    async def handler(request: Request) -> Answer | None:
        if request.method == "DELETE":
            return Answer(204)
        answer = left.pop(0)
        if isinstance(answer, float):
            await asyncio.sleep(answer)
        return answer if isinstance(answer, Answer) else None

    server = Loopback(handler)
    await server.start()
    try:
        return await foreign_agent(server.url, seconds=0.5).play(scenario)
    finally:
        await server.stop()


_OPENED = Answer(201, {"id": "one"})
_MESSAGE = {"what": "message", "channel": "sms", "text": "hello"}


async def test_everything_but_what_is_wanted_is_posted_and_every_answer_has_its_turn() -> None:
    scenario = conversation(
        says(f"first{TWO_MESSAGES}second", oracle=[_CALL]),
        {"do": "reaches", "step": "reminder_2", "channel": "email"},
        {"do": "pays", "invoice": "QB-1041"},
        {"do": "passes", "at": "2026-03-12T09:00:00-05:00"},
        {"do": "decides", "decision": "reject"},
        must=[{"what": "dispute", "amount": "7.77"}],
    )
    agent = _Keeps()

    async with serving(agent) as url:
        play = await foreign_agent(url, "theirs").play(scenario)

    assert play.failed is None
    assert [event.turn for event in play.events] == [1, 1, 2, 3, 4, 5]
    assert (play.prompt_tokens, play.completion_tokens, play.model_calls) == (60, 12, 6)
    assert [turn.do for turn in agent.turns] == ["says", "says", "reaches", "pays", "passes", "decides"]
    assert [turn.text for turn in agent.turns if isinstance(turn, protocol.Says)] == ["first", "second"]
    assert [turn.at for turn in agent.turns][1:] == scenario.moments()
    assert agent.episode is not None
    assert [c.address for c in agent.episode.contacts] == [
        address_of(scenario, "sms"),
        address_of(scenario, "email"),
    ]
    posted = agent.episode.model_dump_json() + "".join(turn.model_dump_json() for turn in agent.turns)
    assert "oracle" not in posted
    assert "7.77" not in posted
    assert agent.closed == ["one"]


_WRONG = {
    "a server error": (Answer(500), "answered 500"),
    "a redirect": (Answer(302, headers={"Location": "http://127.0.0.1:9/"}), "answered 302"),
    "no answer": (FOREVER, "did not answer within 0.5 seconds"),
    "a closed connection": (None, "could not be asked"),
    "no object": (Answer(200, [1, 2]), "cannot be read"),
    "no JSON at all": (Answer(200), "cannot be read"),
    "an unknown event": (Answer(200, {"events": [{"what": "song"}]}), "cannot be read: events.0"),
    "an event that is none": (Answer(200, {"events": ["message"]}), "cannot be read: events.0"),
    "an unknown field": (Answer(200, {"events": [_MESSAGE | {"loud": True}]}), "cannot be read: events.0"),
    "a time without its offset": (
        Answer(200, {"events": [_MESSAGE | {"at": "2026-03-10T11:00:00"}]}), "should have timezone info",
    ),
    "a plan of nothing": (
        Answer(200, {"events": [{"what": "plan", "instalments": 0, "total": "1.00"}]}), "greater than or equal to 1",
    ),
    "negative tokens": (Answer(200, {"prompt_tokens": -1}), "cannot be read: prompt_tokens"),
    "too much": (Answer(200, {"events": [_MESSAGE | {"text": "x" * 5_000_001}]}), "longer than 5 MB"),
    "an admission": (Answer(200, {"failed": "the model is away"}), "turn 2: the model is away"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", _WRONG)
async def test_what_goes_wrong_in_a_turn_fails_the_play_and_keeps_what_was_before(wrong: str) -> None:
    answer, why = _WRONG[wrong]
    two = conversation(says("one"), says("two"), says("three"))

    play = await _play(two, [_OPENED, Answer(200, {"events": [_MESSAGE]}), answer])

    assert play.failed is not None
    assert play.failed.startswith("turn 2: ")
    assert why in play.failed
    assert [event.turn for event in play.events] == [1]
    assert not judge(two, play).passed


async def test_what_was_done_before_a_turn_failed_is_judged_as_well() -> None:
    text = "Pay $999.00 or we call the police."
    half = Answer(200, {"events": [_MESSAGE | {"text": text}], "failed": "out of memory"})
    scenario = conversation(says("one"))

    play = await _play(scenario, [_OPENED, half])

    assert play.failed == "turn 1: out of memory"
    assert "turn 1: an amount that stands in no record: 999.00" in broken(scenario, play)


@pytest.mark.parametrize("opened", [Answer(404), Answer(201, {"id": "../turns"}), Answer(201, {}), None])
async def test_an_episode_that_does_not_begin_is_a_failed_play(opened: Answer | None) -> None:
    play = await _play(conversation(says("one")), [opened])

    assert play.failed is not None
    assert play.failed.startswith("the beginning: ")


async def test_an_agent_that_is_not_there_is_a_failed_play() -> None:
    server = Loopback(lambda _: asyncio.sleep(0))
    await server.start()
    await server.stop()

    play = await foreign_agent(server.url).play(conversation(says("one")))

    assert play.failed is not None
    assert "could not be asked" in play.failed


@pytest.mark.parametrize(
    "url", ["", "localhost:8100", "ftp://a.example", "http://", "http://[::1", "http://a:port"]
)
def test_an_address_that_is_none_is_refused_before_anything_is_played(url: str) -> None:
    with pytest.raises(Invalid, match="no http address"):
        foreign_agent(url)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(), parts, max_size=3),
    max_leaves=8,
)
_WORDS = st.sampled_from(
    [
        "sms",
        "email",
        "all",
        "reply",
        "dispute",
        "2026-03-10",
        "2026-03-10T11:00:00Z",
        "0.00",
        "999999999999.99",
        "plan",
    ]
)
_FIELDS = st.sampled_from(
    [
        "channel",
        "text",
        "purpose",
        "at",
        "amount",
        "on",
        "status",
        "instalments",
        "total",
        "invoices",
        "reason",
        "of",
        "to",
    ]
)
_WHAT = st.sampled_from(
    ["message", "promise", "plan", "dispute", "hold", "opt_out", "opt_in", "wrong_party", "approval", "fact"]
)
_EVENTS = st.builds(
    lambda what, fields: {"what": what, **fields}, _WHAT, st.dictionaries(_FIELDS, _WORDS | _JSON, max_size=6)
)
_ANSWERS = _JSON | st.fixed_dictionaries({"events": st.lists(_EVENTS, max_size=3)})


@examples(deadline=None, max_examples=120)
@given(st.lists(_ANSWERS, min_size=1, max_size=2))
def test_whatever_is_answered_is_played_and_judged_without_an_exception(said: list[Any]) -> None:
    scenario = conversation(
        says("one"), says("two"), must=[{"what": "message", "before": "2026-03-11T00:00:00Z"}]
    )
    answers = [_OPENED, *(Answer(200, json.loads(json.dumps(body))) for body in said), Answer(500)]

    play = asyncio.run(_play(scenario, answers))

    assert judge(scenario, play).passed <= (play.failed is None)
    assert {event.turn for event in play.events} <= {1, 2}
    assert all(found.startswith("turn ") for found in broken(scenario, play))
