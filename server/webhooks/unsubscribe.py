"""The way out of our e-mails in one click (RFC 8058): mail programs post, people look and press a button.

Nothing happens on GET: scanners follow every link. The token names one of our messages and proves that it was read there.
"""

from base64 import b64encode
from hashlib import sha256
from html import escape
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import HTMLResponse

from server.access import Running, Services
from server.webhooks.fates import unsubscribe
from tools.errors import NotFound

router = APIRouter(prefix="/unsubscribe", tags=["webhooks"])
Token = Annotated[str, Path(min_length=1, max_length=60)]
_STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;color:#1c2530;background:#f4f5f2}"
    "main{max-width:34rem;margin:12vh auto;padding:0 1.5rem}"
    "button{font:inherit;color:#fff;background:#1d5c4d;border:0;border-radius:.5rem;padding:.6rem 1.2rem}"
)
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>{style}</style><body><main><h1>{title}</h1><p>{text}</p>{form}</main></body></html>"""
# Our own policy lets no form post anywhere; this page has one, and a style of its own.
_CSP = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


@router.get("/{token}", response_class=HTMLResponse)
async def ask(running: Running, token: Token) -> HTMLResponse:
    """A page with one button; looking at it changes nothing."""
    _row(running, token)
    form = '<form method="post"><button>Stop these e-mails</button></form>'
    company = running.engine.deps.company.name
    return _page(f"Stop e-mails from {company}?", "You can still write to us at any time.", form)


@router.post("/{token}", response_class=HTMLResponse)
async def leave(running: Running, token: Token) -> HTMLResponse:
    """No more e-mails of our own accord to this customer, at once; doing it again changes nothing."""
    await unsubscribe(running.engine, _row(running, token))
    company = running.engine.deps.company.name
    return _page("Done", f"{company} sends you no more e-mails about this. Your answers are still read.", "")


def _row(running: Services, token: str) -> int:
    local = running.webhooks.local
    for keys in (running.webhooks.tokens, local.tokens if local else None):
        row = keys.read("unsubscribe", token) if keys else None
        if row is not None:
            return row
    raise NotFound("link", "this one")


def _page(title: str, text: str, form: str) -> HTMLResponse:
    page = _PAGE.format(title=escape(title), text=escape(text), form=form, style=_STYLE)
    return HTMLResponse(page, headers={"Content-Security-Policy": _CSP})
