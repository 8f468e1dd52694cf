"""Twilio's webhooks: customers' texts, and what became of ours. Answered at once; thinking about it comes after.

Both are signed, for the URL as Twilio knows it: the configured public one, never what a request says of its host.
"""

from typing import Literal

from fastapi import APIRouter, Request, Response

from server.access import Running, Services
from server.inbound import accept
from server.webhooks.bodies import raw_body
from server.webhooks.fates import Word, heed
from tools.channels.keywords import carrier_answers
from tools.channels.twilio.codes import meaning
from tools.channels.twilio.signature import SIGNATURE_HEADER, SIGNATURE_SETTINGS_HEADER, is_signed, public_url
from tools.channels.twilio.webhook import Form, StatusUpdate, TextMessage, inbound, read_form, status
from tools.errors import Forbidden, NotFound
from tools.memory.arrival import Arrival
from tools.spec import storable

router = APIRouter(prefix="/webhooks/twilio", tags=["webhooks"])
_MOST = 64 * 1024  # bytes; a text of 1600 characters with ten pictures' addresses has a tenth of it
_TWIML = (
    '<?xml version="1.0" encoding="UTF-8"?><Response/>'  # we answer by REST: judged, logged, and with an id
)
_FAILED: dict[str, Literal["later", "bad", "opted_out", "look"]] = {
    "suppress": "opted_out", "bad_address": "bad", "retry_later": "later",
}  # fmt: skip


@router.post("/messages", responses={200: {"content": {"text/xml": {}}, "description": "Taken."}})
async def message(request: Request, running: Running) -> Response:
    """A customer's text: stored with its job, and Twilio gets an empty answer."""
    text = inbound(await _signed(request, running))
    _assert_ours(text.account, running)
    await accept(running.pool, _arrival(text, running))
    return Response(_TWIML, media_type="text/xml")


@router.post("/status", status_code=204)
async def fate(request: Request, running: Running) -> Response:
    """What became of one of our texts; one that is not ours, or was said before, is passed over."""
    form = await _signed(request, running)
    said = status(form, request.scope["query_string"])
    _assert_ours(said.account, running)
    await heed(running.engine, _word(said, running))
    return Response(status_code=204)


async def _signed(request: Request, running: Services) -> Form:
    """The posted form, once it is sure that Twilio signed it. Raises NotFound where Twilio is not set up, and Forbidden."""
    gate = running.webhooks.twilio
    if gate is None:
        raise NotFound("webhook", "twilio")
    body = await raw_body(request, most=_MOST)
    form = read_form(body)
    url = public_url(running.webhooks.public_url, request.scope["raw_path"], request.scope["query_string"])
    headers = request.headers
    if not is_signed(
        url, form, headers.get(SIGNATURE_HEADER), headers.get(SIGNATURE_SETTINGS_HEADER), gate.keys
    ):
        raise Forbidden("This does not carry Twilio's signature for this address.")
    return form


def _assert_ours(account: str, running: Services) -> None:
    gate = running.webhooks.twilio
    if gate is None or account != gate.account_sid:
        raise Forbidden("This is another account's.")


def _arrival(text: TextMessage, running: Services) -> Arrival:
    pictures = [{"name": None, "type": each.content_type, "url": each.url} for each in text.media]
    blank = "" if text.body.strip() or not pictures else f"[{len(pictures)} attachment(s), no words]"
    by_default = running.webhooks.twilio is not None and running.webhooks.twilio.answers_keywords
    return Arrival(
        channel="sms", provider_id=text.sid, address=text.from_, body=storable(text.body or blank),
        at=running.engine.deps.clock.now(), attachments=storable(pictures), carrier=text.opt_out,
        carrier_answered=text.opt_out is not None or (by_default and carrier_answers(text.body)),
    )  # fmt: skip


def _word(said: StatusUpdate, running: Services) -> Word:
    stage = None if said.stage == "leaving" else said.stage
    kind = meaning(said.error_code).kind if stage == "failed" and said.error_code else ""
    return Word(
        provider="twilio", event_id=f"{said.sid}:{said.status}", kind=said.status,
        at=running.engine.deps.clock.now(), key=said.key, provider_id=said.sid,
        state=stage, failed=_FAILED.get(kind, "look"), code=said.error_code,
    )  # fmt: skip
