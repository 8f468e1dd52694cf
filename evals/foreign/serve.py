"""A server of the protocol on loopback, for whoever answers turns."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from pydantic import ValidationError

from evals.foreign import protocol as says
from evals.providers.loopback import Answer, Loopback, Request

_TURNS = re.compile(r"/episodes/([^/]+)/turns")
_EPISODE = re.compile(r"/episodes/([^/]+)")


class Answers(Protocol):
    """Whoever plays: what the three requests of the protocol come to."""

    async def open(self, episode: says.Episode) -> str:
        """A new episode's id."""
        ...

    async def turn(self, name: str, turn: says.Turn) -> says.Answer | None:
        """What a turn came to; None where there is no such episode."""
        ...

    async def close(self, name: str) -> bool:
        """The episode is over. False: there is none."""
        ...


@asynccontextmanager
async def serving(answers: Answers, *, port: int = 0) -> AsyncIterator[str]:
    """Serve on loopback until the end of the block; gives the URL. Raises OSError where the port is taken."""
    server = Loopback(_Routes(answers).answer, port=port)
    await server.start()
    try:
        yield server.url
    finally:
        await server.stop()


@dataclass(frozen=True, slots=True)
class _Routes:
    answers: Answers

    async def answer(self, request: Request) -> Answer:
        """Route one request; what cannot be read is answered 422, what is not there 404."""
        try:
            return await self._routed(request)
        except ValidationError as wrong:
            return Answer(
                422, {"errors": wrong.errors(include_url=False, include_input=False, include_context=False)}
            )

    async def _routed(self, request: Request) -> Answer:
        match request.method:
            case "POST" if request.path == "/episodes":
                name = await self.answers.open(says.Episode.model_validate_json(request.body))
                return Answer(201, {"id": name})
            case "POST" if found := _TURNS.fullmatch(request.path):
                answer = await self.answers.turn(found[1], says.TURN.validate_json(request.body))
                return (
                    Answer(200, answer.as_json())
                    if answer
                    else Answer(404, {"error": "There is no such episode."})
                )
            case "DELETE" if found := _EPISODE.fullmatch(request.path):
                known = await self.answers.close(found[1])
                return Answer(204) if known else Answer(404, {"error": "There is no such episode."})
            case _:
                return Answer(404, {"error": "There is nothing here."})
