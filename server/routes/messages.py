"""Messages that customers sent, by whoever delivers them with a key; the signed webhooks come with the channels."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from server.access import Collector, Deliverer, Running
from server.conversation import respond
from server.cycle import run_cycle
from server.inbound import store_from, store_said
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
    if given.address is not None and given.channel is not None and given.provider_id is not None:
        stored = await store_from(
            running.pool, channel=given.channel, address=given.address, body=given.body, at=now,
            provider_id=given.provider_id, queued=queued,
        )  # fmt: skip
    else:
        stored = await store_said(
            running.pool, customer_id=given.customer_id or "", channel=given.channel, body=given.body, at=now,
            provider_id=given.provider_id, queued=queued,
        )  # fmt: skip
    if queued:
        response.status_code = 202
        response.headers["Preference-Applied"] = _ASYNC
        return {"customer": stored.customer_id, "message": stored.message_id, "duplicate": not stored.new}
    return await respond(running.engine, running.channel, stored)


@router.post("/cycles")
async def cycle(running: Running, _: Collector) -> dict[str, Any]:
    """Run today's cycle; a second one on the same day proposes nothing twice."""
    return (await run_cycle(running.engine, running.channel)).as_json()
