"""The challenge: `dunwell doctor` asks the public address for this answer, to find out whether it leads to this installation."""

import hashlib
import hmac
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse

from server.access import Running
from server.settings import Settings
from tools.errors import NotFound

router = APIRouter(prefix="/webhooks", tags=["webhooks"])
PATH = "/webhooks/challenge"


@router.get("/challenge", response_class=PlainTextResponse)
async def challenge(
    running: Running, nonce: Annotated[str, Query(pattern=r"^[0-9a-f]{32}$")]
) -> PlainTextResponse:
    """What only an installation with these settings can answer; it tells nothing of the key. Raises NotFound without one."""
    answer = expected(running.settings, nonce)
    if answer is None:
        raise NotFound("webhook", "challenge")
    return PlainTextResponse(answer)


def expected(settings: Settings, nonce: str) -> str | None:
    """The answer of an installation with these settings; None where they hold no secret that the public may not guess."""
    secret = settings.link_key or settings.twilio_auth_token
    if secret is None:
        return None
    key = hmac.digest(secret.get_secret_value().encode(), b"dunwell challenge", hashlib.sha256)
    return hmac.new(key, nonce.encode(), hashlib.sha256).hexdigest()
