"""Users and keys, for an admin who is not at the server's command line: who there is, and ending somebody's access at once."""

from typing import Annotated, Any

from fastapi import APIRouter, Path

from server.access import Admin, Running
from server.identity.keys import list_keys, revoke_key
from server.users import disable_user, list_users
from tools.errors import Forbidden

router = APIRouter(prefix="/v1", tags=["users"])
Name = Annotated[str, Path(max_length=80)]


@router.get("/users")
async def list_(running: Running, _: Admin) -> dict[str, Any]:
    """All users with their roles and limits."""
    async with running.pool.connection() as conn:
        return {"users": await list_users(conn)}


@router.post("/users/{name}/disable", status_code=204)
async def disable(running: Running, user: Admin, name: Name) -> None:
    """End a user's access: every key and session is refused from the next request on. Nobody disables themselves."""
    if name == user.name:
        raise Forbidden("Nobody disables themselves: another admin does, or the command line.")
    async with running.pool.connection() as conn, conn.transaction():
        await disable_user(conn, name=name, now=running.engine.deps.clock.now(), by=user.name)


@router.get("/keys")
async def list_all_keys(running: Running, _: Admin) -> dict[str, Any]:
    """All keys: whose, with what scopes, until when, and when last used."""
    async with running.pool.connection() as conn:
        return {"keys": await list_keys(conn, name=None)}


@router.delete("/keys/{key_id}", status_code=204)
async def revoke(running: Running, user: Admin, key_id: Annotated[str, Path(max_length=80)]) -> None:
    """End a key: the next request with it gets a 401."""
    async with running.pool.connection() as conn:
        await revoke_key(conn, key_id, now=running.engine.deps.clock.now(), by=user.name)
