"""A foreign agent as one of ours: whatever its server does wrong is a failed play, never an exception."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ValidationError

from evals.bench.people import COMPANY
from evals.foreign import protocol as says
from evals.scenarios import scenario as happens
from evals.scenarios.events import Play, Seen
from evals.scenarios.play import TWO_MESSAGES, Agent
from evals.scenarios.scenario import Scenario
from evals.scenarios.stage import address_of
from tools.errors import Invalid

_SECONDS = 120.0  # for one answer, a model's thinking and all
_GOODBYE = 10.0  # for the last request, whose answer changes nothing
_LARGEST = 5_000_000  # bytes of one answer
_Part = TypeVar("_Part", bound=BaseModel)


class _Failed(Exception):
    """The agent's server did not do its part; the text says what it did instead."""


def foreign_agent(url: str, name: str = "foreign", *, seconds: float = _SECONDS) -> Agent:
    """The agent whose server is at `url`; one answer may take `seconds`. Raises Invalid where that is no http address."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise Invalid(f"{url!r} is no http address of an agent, such as http://127.0.0.1:8100.")
    return Foreign(name, url.rstrip("/"), seconds)


@dataclass(slots=True)
class Foreign:
    """An agent behind HTTP (protocol.py)."""

    name: str
    url: str
    seconds: float

    async def play(self, scenario: Scenario) -> Play:
        """Play it turn by turn; a turn that fails is the last, and what happened until then is kept."""
        began, told, failed = time.perf_counter(), _Told(), None
        try:
            async with self._episode(scenario) as line:
                for number, (turn, at) in enumerate(zip(scenario.turns, scenario.moments(), strict=True), 1):
                    for part in _said(turn, at):
                        told.add(number, await line.ask(says.Answer, "/turns", part, f"turn {number}"))
        except _Failed as wrong:
            failed = str(wrong)[:300]
        return Play(
            events=told.events, failed=failed, prompt_tokens=told.prompt_tokens,
            completion_tokens=told.completion_tokens, model_calls=told.model_calls, seconds=time.perf_counter() - began,
        )  # fmt: skip

    @asynccontextmanager
    async def _episode(self, scenario: Scenario) -> AsyncIterator["_Line"]:
        # No proxy of the environment: an agent on this machine is asked on this machine.
        async with httpx.AsyncClient(timeout=self.seconds, trust_env=False) as http:
            door = _Line(http, f"{self.url}/episodes", self.seconds)
            opened = await door.ask(says.Opened, "", _world(scenario), "the beginning")
            line = _Line(http, f"{self.url}/episodes/{opened.id}", self.seconds)
            try:
                yield line
            finally:
                await line.hang_up()


@dataclass(slots=True)
class _Told:
    """What the answers of an episode come to."""

    events: list[Seen] = field(default_factory=list)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    model_calls: int = 0

    def add(self, number: int, answer: says.Answer) -> None:
        """One more answer. Raises _Failed where it says that the agent could not finish; what it did counts all the same."""
        self.events += answer.in_turn(number)
        self.prompt_tokens += answer.prompt_tokens
        self.completion_tokens += answer.completion_tokens
        self.model_calls += answer.model_calls
        if answer.failed:
            raise _Failed(f"turn {number}: {answer.failed}")


@dataclass(frozen=True, slots=True)
class _Line:
    http: httpx.AsyncClient
    url: str
    seconds: float

    async def ask(self, wanted: type[_Part], path: str, body: BaseModel, when: str) -> _Part:
        """The answer to one post. Raises _Failed, in words that begin with `when`."""
        try:
            async with asyncio.timeout(self.seconds):
                return wanted.model_validate_json(await self._post(path, body))
        except _Failed as wrong:
            raise _Failed(f"{when}: {wrong}") from None
        except (TimeoutError, httpx.TimeoutException):
            raise _Failed(f"{when}: the agent did not answer within {self.seconds:g} seconds.") from None
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as wrong:
            raise _Failed(
                f"{when}: the agent could not be asked ({type(wrong).__name__}: {wrong})."
            ) from wrong
        except ValidationError as wrong:
            first = wrong.errors(include_input=False, include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"]) or "the whole"
            raise _Failed(f"{when}: the agent's answer cannot be read: {place}: {first['msg']}.") from None

    async def _post(self, path: str, body: BaseModel) -> bytes:
        sent = body.model_dump_json()
        headers = {"Content-Type": "application/json"}
        async with self.http.stream("POST", self.url + path, content=sent, headers=headers) as response:
            if response.status_code not in (200, 201):
                raise _Failed(f"the agent answered {response.status_code}.")
            read = bytearray()
            async for some in response.aiter_bytes():
                read += some
                if len(read) > _LARGEST:
                    raise _Failed("the agent's answer is longer than 5 MB.")
            return bytes(read)

    async def hang_up(self) -> None:
        """Tell it that the episode is over; what it says to that changes nothing."""
        try:
            async with asyncio.timeout(min(self.seconds, _GOODBYE)):
                await self.http.delete(self.url)
        except (TimeoutError, httpx.HTTPError):
            return


def _world(scenario: Scenario) -> says.Episode:
    """Everything that an agent may know at the beginning: no atoms, no oracle, not what will be said."""
    return says.Episode(
        now=scenario.now,
        company=COMPANY.name,
        company_time_zone=COMPANY.zone.key,
        customer=says.Customer(**scenario.customer.model_dump(exclude={"contacts"})),
        contacts=[
            says.Contact(**contact.model_dump(), address=address_of(scenario, contact.channel))
            for contact in scenario.customer.contacts
        ],
        invoices=scenario.invoices,
        history=list(scenario.history),
    )


def _said(turn: happens.Happens, at: datetime) -> list[says.Turn]:
    """What is posted for a turn: one thing, or each of two messages that were sent at once."""
    match turn:
        case happens.Says():
            return [
                says.Says(at=at, channel=turn.channel, text=text) for text in turn.text.split(TWO_MESSAGES)
            ]
        case happens.Reaches():
            return [says.Reaches(at=at, step=turn.step, channel=turn.channel)]
        case happens.Passes():
            return [says.Passes(at=at)]
        case happens.Pays():
            return [says.Pays(at=at, invoice=turn.invoice, amount=turn.amount)]
        case happens.Decides():
            return [says.Decides(at=at, decision=turn.decision, role=turn.role, note=turn.note)]
