"""Errors over HTTP: RFC 9457 problem JSON with a stable `type`, one clear sentence in `detail`."""

import re
from collections.abc import Sequence
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from server.identity.errors import TooManyRequests
from tools.errors import CollectionsError, Invalid, Unavailable
from tools.spec import storable

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """What every error answers (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str


def problem_type(error: type[Exception]) -> str:
    """The stable name of an error: `BalanceChanged` is `urn:dunwell:balance-changed`."""
    return "urn:dunwell:" + re.sub(r"(?<!^)(?=[A-Z])", "-", error.__name__).lower()


def _respond(
    status: int, kind: str, title: str, detail: str, *, retry_after: int | None = None, **more: Any
) -> JSONResponse:
    body = storable({"type": kind, "title": title, "status": status, "detail": detail, **more})
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return JSONResponse(body, status, headers=headers, media_type=MEDIA_TYPE)


def answer(error: CollectionsError) -> JSONResponse:
    """What we raise on purpose, as its problem."""
    title = re.sub(r"(?<!^)(?=[A-Z])", " ", type(error).__name__)
    wait = error.retry_after if isinstance(error, TooManyRequests) else None
    return _respond(error.status, problem_type(type(error)), title, str(error), retry_after=wait)


def install(app: FastAPI) -> None:
    """Answer every error in the same form: ours, bad requests, unknown paths, and defects without a word about them."""

    @app.exception_handler(CollectionsError)
    async def ours(_: Request, error: CollectionsError) -> JSONResponse:
        return answer(error)

    @app.exception_handler(psycopg.DataError)
    @app.exception_handler(UnicodeEncodeError)
    async def unstorable(_: Request, __: Exception) -> JSONResponse:
        return answer(
            Invalid("Something in the request cannot be stored or looked up, such as a NUL character.")
        )

    @app.exception_handler(psycopg.errors.DiskFull)
    async def full(_: Request, __: Exception) -> JSONResponse:
        return answer(Unavailable("The database's disk is full; nothing of this request was stored."))

    @app.exception_handler(psycopg.OperationalError)
    async def gone(_: Request, __: Exception) -> JSONResponse:
        return answer(Unavailable("The database does not answer."))

    @app.exception_handler(Exception)
    async def defect(_: Request, __: Exception) -> JSONResponse:
        return _respond(
            500, "urn:dunwell:defect", "Internal Server Error", "This is a defect of ours; it is in the log."
        )

    @app.exception_handler(RequestValidationError)
    async def unreadable(_: Request, error: RequestValidationError) -> JSONResponse:
        problems: Sequence[Any] = jsonable_encoder(
            [{"at": list(e["loc"]), "problem": e["msg"]} for e in error.errors()]
        )
        detail = "; ".join(f"{'.'.join(str(p) for p in e['at'])}: {e['problem']}" for e in problems)
        return _respond(422, "urn:dunwell:invalid", "Invalid", detail, problems=problems)

    @app.exception_handler(HTTPException)
    async def plain(_: Request, error: HTTPException) -> JSONResponse:
        return _respond(error.status_code, "about:blank", str(error.detail), str(error.detail))
