"""Messages that customers sent, by whoever delivers them with a key; the signed webhooks come with the channels."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from server.access import Collector, Deliverer, Running, Viewer
from server.conversation import respond
from server.cycle import run_cycle
from server.inbound import Kept, Stored, store_from, store_said
from tools.memory.arrival import Arrival
from tools.memory.messages import read_message
from tools.spec import storable

router = APIRouter(prefix="/v1", tags=["messages"])
_ASYNC = "respond-async"


class Inbound(BaseModel):
    """A customer's message: from a customer whom the caller names, or from an address that we look up."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    customer_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    address: Annotated[str, Field(min_length=3, max_length=320)] | None = None
    channel: Literal["sms", "email"] | None = None
    body: Annotated[str, Field(min_length=1, max_length=20_000)]
    provider_id: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="The provider's id of the message: the same id twice is one message."
    )

    @model_validator(mode="after")
    def _one_sender(self) -> "Inbound":
        if (self.customer_id is None) == (self.address is None):
            raise ValueError("give exactly one of customer_id and address")
        if self.address is not None and (self.channel is None or self.provider_id is None):
            raise ValueError("an address goes with a channel and a provider_id")
        given = [self.body, self.customer_id, self.address, self.provider_id]
        if storable(given) != given:
            raise ValueError("a message holds no NUL and no half characters")
        return self


@router.post(
    "/messages", responses={202: {"description": "Stored; a worker answers it (Prefer: respond-async)."}}
)
async def receive(
    running: Running,
    _: Deliverer,
    given: Inbound,
    response: Response,
    prefer: Annotated[
        str | None, Header(max_length=200, description="respond-async: store it and be done.")
    ] = None,
) -> dict[str, Any]:
    """Store a customer's message, answer it, send what may leave; a duplicate changes nothing.

    With `Prefer: respond-async` (RFC 7240) it is stored together with its job, and a worker answers it.
    """
    queued = prefer is not None and _ASYNC in [word.strip().lower() for word in prefer.split(",")]
    now = running.engine.deps.clock.now()
    stored: Stored | Kept
    if given.address is not None and given.channel is not None and given.provider_id is not None:
        arrival = Arrival(
            channel=given.channel, address=given.address, body=given.body, at=now, provider_id=given.provider_id
        )  # fmt: skip
        stored = await store_from(running.pool, arrival, queued=queued)
    else:
        stored = await store_said(
            running.pool, customer_id=given.customer_id or "", channel=given.channel, body=given.body, at=now,
            provider_id=given.provider_id, queued=queued,
        )  # fmt: skip
    if isinstance(stored, Kept):  # a person says whom it concerns: see the inbox
        response.status_code = 202
        return {"inbox": stored.inbox_id, "why": stored.why, "duplicate": not stored.new}
    if queued or not stored.answered:
        response.status_code = 202
        response.headers["Preference-Applied"] = _ASYNC
        return {"customer": stored.customer_id, "message": stored.message_id, "duplicate": not stored.new}
    return await respond(running.engine, running.channels, stored)


@router.get("/messages/{message_id}")
async def show(
    running: Running, _: Viewer, message_id: Annotated[int, Path(ge=1, le=2**63 - 1)]
) -> dict[str, Any]:
    """One message for a person: what was new in it, an e-mail's whole text, its HTML made harmless, what was attached.

    Attachments are named and never fetched. The HTML holds no script, style, form or remote picture; show it in a frame
    of its own all the same.
    """
    async with running.pool.connection() as conn:
        return await read_message(conn, message_id=message_id)


@router.post("/cycles")
async def cycle(running: Running, _: Collector) -> dict[str, Any]:
    """Run today's cycle; a second one on the same day proposes nothing twice."""
    return (await run_cycle(running.engine, running.channels)).as_json()
