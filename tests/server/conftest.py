"""The HTTP API on a database of the test's own, with a key for each role."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response

from agent.policy.verdict import ROLES
from server.app import create_app
from server.settings import Settings
from server.users import add_user
from tests.world import NOW, World, policy

_INSIDES = ("Traceback", "psycopg", "SELECT ", "site-packages", str(Path(__file__).parents[2]))


@dataclass(frozen=True, slots=True)
class Api:
    """The application, and a client without a key; `keys` has one of each role."""

    app: FastAPI
    client: AsyncClient
    keys: Mapping[Any, str]

    async def get(self, path: str, role: str = "viewer", **params: Any) -> Response:
        """GET as somebody with that role."""
        return await self.client.get(path, params=params, headers=self.headers(role))

    async def post(self, path: str, body: Any = None, role: str = "manager", **more: Any) -> Response:
        """POST JSON as somebody with that role."""
        return await self.client.post(path, json=body, headers=self.headers(role), **more)

    async def upload(self, files: dict[str, str | bytes], role: str = "manager") -> Response:
        """Import these files."""
        sent = [("files", (name, content)) for name, content in files.items()]
        return await self.client.post("/v1/imports", files=sent, headers=self.headers(role))

    def headers(self, role: str) -> dict[str, str]:
        """The header that says who is calling."""
        return {"Authorization": f"Bearer {self.keys[role]}"}


@pytest.fixture
def policy_text() -> str:
    """The policy that the application starts with; a module may have another."""
    return policy().text


@pytest.fixture
async def api(world: World, tmp_path: Path, policy_text: str) -> AsyncIterator[Api]:
    """The application started on the world's database and clock; nothing in it is a stand-in."""
    file = tmp_path / "policy.toml"
    file.write_text(policy_text, "utf-8")
    async with world.pool.connection() as conn, conn.transaction():
        keys = {
            role: await add_user(conn, name=f"a {role}", role=role, limit_minor=10**9, now=NOW)
            for role in ROLES
        }
    app = create_app(Settings(database_url=world.conninfo, clock=NOW, policy=file))  # type: ignore[arg-type]  # pydantic makes it secret
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=ASGITransport(app, raise_app_exceptions=False), base_url="http://test"
        ) as client,
    ):
        yield Api(app, client, keys)


def problem(response: Response, status: int) -> dict[str, Any]:
    """The problem that was answered: RFC 9457, with one sentence and nothing of our insides."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert {"type", "title", "status", "detail"} <= set(body)
    assert body["status"] == status
    assert not any(word in response.text for word in _INSIDES)
    return body
