"""`/local`: the customer's phone and mailbox. For development on this machine only: whoever opens it plays any customer."""

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from server.access import Running, Services
from server.local import line, view
from server.settings import Settings
from server.site import is_this_machine
from server.webhooks.bodies import raw_body
from server.webhooks.gates import LocalLine
from tools.channels.base import ChannelName
from tools.errors import Forbidden, Invalid, NotFound

_STATIC = Path(__file__).with_name("static")
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_MOST = 64 * 1024  # bytes of what somebody types
_FILES = {"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}


def local_channels(settings: Settings) -> list[ChannelName]:
    """The channels whose messages end on this page; none in production, where nobody may play a customer."""
    public = urlsplit(settings.public_origin).hostname if settings.public_origin else None
    if settings.env == "production" or public not in (None, "localhost", "127.0.0.1", "::1"):
        return []  # others can reach it, maybe through a proxy that looks like this machine
    chosen: dict[ChannelName, str] = {"sms": settings.sms, "email": settings.email}
    return [channel for channel, carrier in chosen.items() if carrier == "local"]


def local_address(settings: Settings) -> str | None:
    """Where the page is; None where there is none."""
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104 - compared, not bound
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{settings.port}/local" if local_channels(settings) else None


async def _from_this_machine(request: Request) -> None:
    """Only a browser on this machine that knows it talks to this machine: another site's name for it is none of ours."""
    if not is_this_machine(request):
        raise NotFound("page", request.url.path)


router = APIRouter(prefix="/local", include_in_schema=False, dependencies=[Depends(_from_this_machine)])
CustomerId = Annotated[str, InPath(min_length=1, max_length=200)]


class Said(BaseModel):
    """What the customer types: on which channel, from which contact point, and for a mail what it answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    channel: Literal["sms", "email"]
    contact_id: str = Field(min_length=1, max_length=200)
    body: str = Field(min_length=1, max_length=1600)
    subject: str | None = Field(None, max_length=300, pattern=r"^[^\r\n]*$")
    answers: int | None = Field(None, ge=1, le=2**63 - 1)


@router.get("")
async def page() -> Response:
    """The page itself."""
    return _file("index.html", "text/html")


@router.get("/{name}.{kind}")
async def file(name: str, kind: str) -> Response:
    """What the page is made of."""
    known = _FILES.get(f"{name}.{kind}")
    if known is None:
        raise NotFound("file", f"{name}.{kind}")
    return _file(f"{name}.{kind}", known)


@router.get("/customers")
async def customers(
    running: Running, text: Annotated[str | None, Query(max_length=200)] = None
) -> dict[str, Any]:
    """Whom one can play, those we talked to last first."""
    channels = local_channels(running.settings)
    return {
        "company": running.engine.deps.company.name,
        "channels": channels,
        "customers": await view.people(running, channels, text),
    }


@router.get("/customers/{customer_id}")
async def customer(running: Running, customer_id: CustomerId) -> dict[str, Any]:
    """One customer's phone and mailbox, and what happened beside them."""
    return await view.customer(running, local_channels(running.settings), customer_id)


@router.post("/customers/{customer_id}/messages", status_code=202)
async def write(request: Request, running: Running, customer_id: CustomerId) -> Response:
    """The customer writes: a signed webhook like a provider's, through the same door."""
    said = await _said(request)
    channels = local_channels(running.settings)
    if said.channel not in channels:
        raise Forbidden("This channel is a real one: its customers write for themselves.")
    mine = await view.lines(running, [said.channel], customer_id)
    contact = next((each for each in mine if each["id"] == said.contact_id), None)
    if contact is None:
        raise NotFound("contact point", said.contact_id)
    await _send(request, running, _line(running), said, contact)
    return Response(status_code=202)


async def _send(
    request: Request, running: Services, own: LocalLine, said: Said, contact: dict[str, Any]
) -> None:
    url = running.webhooks.public_url
    if said.channel == "sms":
        await line.text(request.app, own, url, from_=contact["address"], body=said.body)
        return
    answered = await view.answered(running, said.answers, contact["id"]) if said.answers else None
    subject = said.subject or (answered.subject if answered else None) or "A question"
    await line.mail(
        request.app, own, url, from_=contact["address"], name=contact["name"],
        subject=f"Re: {subject}" if answered and not subject.lower().startswith("re:") else subject,
        body=said.body, answered=answered, at=running.engine.deps.clock.now(),
    )  # fmt: skip


def _line(running: Services) -> LocalLine:
    if running.webhooks.local is None:
        raise NotFound("page", "/local")
    return running.webhooks.local


async def _said(request: Request) -> Said:
    """What a page of ours posts. Another site's page can send neither this content type nor our origin."""
    if request.headers.get("origin") != f"{request.scope['scheme']}://{request.headers.get('host', '')}":
        raise Forbidden("This does not come from the local page.")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Forbidden("The local page posts JSON.")
    try:
        return Said.model_validate_json(await raw_body(request, most=_MOST))
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_input=False, include_context=False)[0]
        raise Invalid(f"{'.'.join(str(part) for part in first['loc']) or 'body'}: {first['msg']}.") from None


def _file(name: str, kind: str) -> Response:
    content = (_STATIC / name).read_bytes()
    return Response(content, media_type=f"{kind}; charset=utf-8", headers={"Content-Security-Policy": _CSP})
