"""The default LangGraph stack as an agent of its own: what a user would build, with our model, prompt and tools.

`create_agent` with `HumanInTheLoopMiddleware` on what is risky, `AsyncPostgresSaver` in its default durability, one
thread per customer. It thinks what ours thinks; README.md says what it is lent and what it lacks.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, assert_never

from langchain.agents import create_agent
from langchain.agents.middleware import (
    HumanInTheLoopMiddleware,
    ModelRequest,
    ModelResponse,
    wrap_model_call,
)
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import BaseTool
from langgraph.runtime import get_runtime
from langgraph.types import Command

import prompts
from agent.deps import Bounds
from agent.engine.gather import Gathered
from agent.engine.trigger import Trigger
from agent.nodes.document import document
from agent.nodes.room import as_text
from agent.policy.document import load_policy
from agent.policy.verdict import Facts, Inbound, Risk
from agent.signals import as_record, detect
from evals.bench.place import Place
from evals.bench.stack import default_saver, offered
from evals.foreign import bodies
from evals.foreign import protocol as says
from evals.foreign.books import Books, Planned
from evals.foreign.risky import APPROVALS, note_waiting, risk_of
from evals.foreign.serve import serving
from evals.scenarios.minds import Mind
from evals.scenarios.scenario import Turn
from tools.activity import log_collection_activity as kinds
from tools.errors import CollectionsError
from tools.memory.messages import WindowMessage
from tools.spec import ToolSpec
from tools.surface import TOOLS

NAME = "langgraph-default"
_SECONDS = 60.0  # for one turn, like the product's own
_POLICY = load_policy()  # only for the ladder's channels in the document
_SYSTEM = prompts.load("system.md").text
_CHARACTERS = 4 * (Bounds().prompt_tokens - 10) - len(_SYSTEM)


@asynccontextmanager
async def default_stack(place: Place, mind: Mind, *, port: int = 0) -> AsyncIterator[str]:
    """The stack with that mind on that database, served on loopback: gives its URL. Port 0: any that is free."""
    async with default_saver(place.conninfo, pool_size=2) as (_, saver):
        agent: Any = create_agent(
            mind.model,
            [_tool(spec) for spec in TOOLS],
            system_prompt=_SYSTEM,
            middleware=[_this_turn, HumanInTheLoopMiddleware(interrupt_on=APPROVALS)],
            context_schema=_Playing,
            checkpointer=saver,
        )
        async with serving(Stack(agent, saver, mind), port=port) as url:
            yield url


@dataclass(slots=True)
class _Playing:
    """What tools and middleware get at: the customer's books, and what this turn has cost."""

    books: Books
    prompt_tokens: int = 0
    completion_tokens: int = 0
    model_calls: int = 0


@dataclass(slots=True)
class Stack:
    """The agent, and everybody's books. One turn at a time: the mind is told whose it is."""

    agent: Any
    saver: Any
    mind: Mind
    _books: dict[str, Books] = field(default_factory=dict)
    _begun: int = 0
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def open(self, episode: says.Episode) -> str:
        """Open the books of a customer."""
        self._begun += 1
        name = f"customer-{self._begun}"
        self._books[name] = Books.of(name, episode)
        return name

    async def close(self, name: str) -> bool:
        """Throw the books and the thread away. False: there are none."""
        known = self._books.pop(name, None) is not None
        if known:
            await self.saver.adelete_thread(name)
        return known

    async def turn(self, name: str, turn: says.Turn) -> says.Answer | None:
        """Play a turn; None where nobody knows the episode. Whatever goes wrong in it fails the turn, and is said."""
        books = self._books.get(name)
        if books is None:
            return None
        playing, failed = _Playing(books), None
        async with self._one:
            books.now, books.heard, books.paid_minor, books.events = turn.at, None, None, []
            self.mind.begins(Turn(at=turn.at), books.latest_offer)
            try:
                async with asyncio.timeout(_SECONDS):
                    await self._play(playing, turn)
            except Exception as wrong:  # noqa: BLE001 - whatever a turn raises fails it, and what left before is still told
                failed = f"{type(wrong).__name__}: {wrong}"[:300]
        return says.Answer(
            events=books.events, failed=failed, prompt_tokens=playing.prompt_tokens,
            completion_tokens=playing.completion_tokens, model_calls=playing.model_calls,
        )  # fmt: skip

    async def _play(self, playing: _Playing, turn: says.Turn) -> None:
        books = playing.books
        key = f"{books.id}:{turn.at.isoformat()}:{len(books.messages)}"
        match turn:
            case says.Says():
                heard = books.hear(turn.channel, turn.text)
                await self._think(playing, Trigger("inbound", books.id, key, message_id=heard.id))
            case says.Reaches():
                trigger = Trigger("ladder", books.id, key, step=turn.step, channel=turn.channel)
                await self._think(playing, trigger)
            case says.Pays():
                books.pay(turn.invoice, turn.amount)
                trigger = Trigger("ledger", books.id, key, event="payment", payment_minor=books.paid_minor)
                await self._think(playing, trigger)
            case says.Passes():
                for planned in _due(books):
                    trigger = Trigger(
                        "follow_up",
                        books.id,
                        key,
                        follow_up_kind=planned.kind,
                        follow_up_reason=planned.reason,
                    )
                    await self._think(playing, trigger)
            case says.Decides():
                await self._decide(playing, turn)
            case _:
                assert_never(turn)

    async def _think(self, playing: _Playing, trigger: Trigger) -> None:
        """One run of the agent on the customer's thread."""
        asked = {"messages": [HumanMessage(_asks(playing.books, trigger))]}
        await self._run(playing, asked)

    async def _run(self, playing: _Playing, given: Any) -> None:
        config = _thread(playing.books)
        await self.agent.ainvoke(given, config, context=playing)
        for request in await self._waiting(config):
            note_waiting(playing.books, request)

    async def _waiting(self, config: Any) -> list[dict[str, Any]]:
        """The calls that the middleware has put before a person."""
        state = await self.agent.aget_state(config)
        return [request for one in state.interrupts for request in one.value["action_requests"]]

    async def _decide(self, playing: _Playing, turn: says.Decides) -> None:
        """Anybody may: the middleware knows no roles."""
        requests = await self._waiting(_thread(playing.books))
        if not requests:
            return
        yes = turn.decision == "approve"
        for request in requests:
            of = risk_of(request["name"], request["args"])
            playing.books.saw("approval", of=of, status="approved" if yes else "rejected")
        decision = {"type": "approve"} if yes else {"type": "reject", "message": turn.note}
        await self._run(playing, Command(resume={"decisions": [decision] * len(requests)}))


def _thread(books: Books) -> dict[str, Any]:
    return {"configurable": {"thread_id": books.id}}


def _due(books: Books) -> list[Planned]:
    """What the agent planned for a day until now, and not what a person does. It is not due again."""
    due = [p for p in books.planned if p.on <= books.today and p.kind in ("message", "check_promise")]
    books.planned = [p for p in books.planned if p not in due]
    return sorted(due, key=lambda planned: planned.on)


def _asks(books: Books, trigger: Trigger) -> str:
    """The product's own document of these books. What our code finds in the message is recorded first, as in the product."""
    heard = books.heard
    signals = detect(heard.body, heard.channel) if heard else ()
    account = books.account()
    known = Gathered(
        facts=Facts(
            account=account, risk=Risk(books.episode.customer.tier, None), trigger=trigger.kind, now=books.now,
            zone_key=books.company.zone.key, ladder_step=trigger.step, inbound=_inbound(heard) if heard else None,
        ),
        signals=signals,
        conversation=books.conversation(),
    )  # fmt: skip
    content = document(trigger, known, _POLICY, characters=_CHARACTERS)
    for signal in signals:
        numbers = {invoice.id: invoice.number for invoice in account.invoices}
        record = as_record(signal, text=heard.body if heard else "", invoices=numbers)
        bodies.run(books, kinds.LogCollectionActivity.model_validate(record))
    return as_text(content)


def _inbound(heard: WindowMessage) -> Inbound:
    channel: Any = heard.channel
    return Inbound(
        heard.id, channel, heard.contact_id, identity_matches=True, signals=frozenset(), body=heard.body
    )


def _tool(spec: ToolSpec) -> BaseTool:
    """One of the product's four, with its own schema and a naive body."""

    async def body(**args: Any) -> str:
        try:
            return bodies.run(get_runtime(_Playing).context.books, spec.args.model_validate(args))
        except CollectionsError as problem:
            return f"Refused: {problem}"

    return offered(spec, body)


@wrap_model_call
async def _this_turn(
    request: ModelRequest[_Playing],
    handler: Callable[[ModelRequest[_Playing]], Awaitable[ModelResponse[Any]]],
) -> ModelResponse[Any]:
    """The model reads this turn's document and answers: earlier turns stand in the document, in their bounds."""
    begins = max(n for n, message in enumerate(request.messages) if isinstance(message, HumanMessage))
    response = await handler(request.override(messages=request.messages[begins:]))
    playing = request.runtime.context
    playing.model_calls += 1
    for message in response.result:
        if isinstance(message, AIMessage) and message.usage_metadata:
            playing.prompt_tokens += message.usage_metadata["input_tokens"]
            playing.completion_tokens += message.usage_metadata["output_tokens"]
    return response
