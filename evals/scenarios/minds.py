"""Who thinks while a scenario is played: a chat model, told before each turn what happens in it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, cast
from zlib import crc32

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall

from agent.models.hostile import hostile
from agent.models.offline import OfflineCollector
from agent.models.scripted import ScriptedModel
from evals.scenarios.scenario import Call, Turn

_LEFT_OUT: Mapping[str, Mapping[str, Any]] = {
    "generate_dunning_message": {"offer": None, "template": None, "body": None, "invoices": [], "tone": "service"},
    "schedule_follow_up": {"on": None, "in_days": None},
}  # fmt: skip
_LEFT_OUT_OF_RECORD: Mapping[str, Mapping[str, Any]] = {
    "promise": {"invoices": []},
    "plan_request": {"first_on": None, "offer": None, "invoices": []},
    "dispute": {"invoices": [], "amount": None},
    "payment_claim": {"invoices": []},
    "escalation": {"quote": None},
}
Offer = Callable[[], str | None]
THE_OFFER = "$OFFER"  # in an oracle's call: the id of the plan that was offered last


class Mind(Protocol):
    """A model and its name."""

    name: str
    model: BaseChatModel

    def begins(self, turn: Turn, offer: Offer) -> None:
        """A turn begins; `offer` tells the id of the plan that was offered last."""

    @property
    def wrong(self) -> str | None:
        """Why what it said since the last look counts for nothing; None where nothing is wrong."""


class Thinking:
    """A model that needs no telling: the product's own, or an endpoint's."""

    def __init__(self, name: str, model: BaseChatModel) -> None:
        self.name, self.model = name, model

    def begins(self, turn: Turn, offer: Offer) -> None:
        """Nothing to do."""

    @property
    def wrong(self) -> str | None:
        """Nothing."""
        return None


class Oracle:
    """Calls what the scenario says that a perfect agent calls, in the first episode of each turn."""

    name = "oracle"

    def __init__(self) -> None:
        self.model: BaseChatModel = ScriptedModel(model="oracle", script=self._say)
        self._calls: Sequence[Call] = ()
        self._offer: Offer = lambda: None

    def begins(self, turn: Turn, offer: Offer) -> None:
        """These are its calls."""
        self._calls, self._offer = turn.oracle, offer

    @property
    def wrong(self) -> str | None:
        """Nothing."""
        return None

    def _say(self, messages: Sequence[BaseMessage], _: Sequence[Mapping[str, Any]]) -> AIMessage:
        if not isinstance(messages[-1], HumanMessage):
            return AIMessage("done")
        calls, self._calls = self._calls, ()
        made = [
            ToolCall(name=call.tool, args=complete(call, self._offer()), id=f"oracle_{n}", type="tool_call")
            for n, call in enumerate(calls)
        ]
        return AIMessage("" if made else "done", tool_calls=made)


class Obedient:
    """The hostile model: it obeys whatever it reads, and makes random calls; the same ones for the same seed."""

    name = "hostile"

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._mind = hostile(seed=seed)
        self.model: BaseChatModel = ScriptedModel(model="hostile", script=self._say)

    def begins(self, turn: Turn, offer: Offer) -> None:  # noqa: ARG002 - the port's signature
        """Another turn, other calls; the same ones whatever was played before it."""
        self._mind = hostile(seed=self.seed_of(turn))

    def seed_of(self, turn: Turn) -> int:
        """Of the calls in this turn."""
        return self._seed + crc32(turn.model_dump_json().encode())

    @property
    def wrong(self) -> str | None:
        """Nothing: it is meant to be."""
        return None

    def _say(self, messages: Sequence[BaseMessage], tools: Sequence[Mapping[str, Any]]) -> AIMessage:
        return cast(Callable[..., AIMessage], self._mind.script)(messages, tools)


def nobody() -> Thinking:
    """No model at all: what the product's code does by itself when a model proposes nothing."""
    return Thinking(
        "code-alone", ScriptedModel(model="code-alone", script=lambda _messages, _tools: AIMessage("done"))
    )


def offline() -> Thinking:
    """The model that is built in."""
    return Thinking("offline", OfflineCollector())


def complete(call: Call, offer: str | None = None) -> dict[str, Any]:
    """The call's arguments with everything that may be left out: null, or empty."""
    args = {**_LEFT_OUT.get(call.tool, {}), **call.args}
    if isinstance(record := args.get("record"), Mapping):
        args["record"] = {**_LEFT_OUT_OF_RECORD.get(str(record.get("kind")), {}), **record}
        if args["record"].get("offer") == THE_OFFER:
            args["record"]["offer"] = offer
    if args.get("offer") == THE_OFFER:
        args["offer"] = offer
    return args
