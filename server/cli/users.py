"""Commands for who may decide, and what gets them in: passwords and API keys."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from rich.table import Table

from server import settings as configuration
from server.cli.output import Json, answer, cells, console, run
from tools.errors import Invalid
from tools.money import Money

if TYPE_CHECKING:
    from agent.policy.verdict import Role

user = typer.Typer(no_args_is_help=True, help="Who may decide.")
key = typer.Typer(no_args_is_help=True, help="API keys.")
Name = Annotated[str, typer.Argument(help="The user's name.")]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.add_typer(user, name="user")
    app.add_typer(key, name="key")


def _role(given: str) -> "Role":
    from agent.policy.verdict import ROLES  # noqa: PLC0415 - heavy: only when it runs

    known = next((known for known in ROLES if known == given), None)
    if known is None:
        raise Invalid(f"{given!r} is no role: it is one of {', '.join(ROLES)}.")
    return known


def _limit(given: str, currency: str) -> int:
    minor = Money.of(given, currency).minor
    if minor < 0:
        raise Invalid("A limit is not negative.")
    return minor


@user.command("add")
def add(
    name: str,
    role: Annotated[str, typer.Option(help="viewer, collector, manager or admin.")],
    limit: Annotated[str, typer.Option(help="Up to what amount they may approve, in major units.")] = "0",
    as_json: Json = False,
) -> None:
    """Add somebody who may decide; their API key is shown once."""

    async def work() -> dict[str, Any]:
        from server.db import open_ready  # noqa: PLC0415 - heavy: only when it runs
        from server.users import add_user  # noqa: PLC0415 - as above

        current = configuration.load()
        known, minor = _role(role), _limit(limit, current.currency)
        clock = current.make_clock()
        async with open_ready(current) as pool, pool.connection() as conn, conn.transaction():
            made = await add_user(conn, name=name, role=known, limit_minor=minor, now=clock.now())
        return {"name": name, "role": known, "limit_minor": minor, "api_key": made}

    def show(result: dict[str, Any]) -> None:
        from agent.policy.verdict import with_article  # noqa: PLC0415 - shown only for people

        console.print(
            f"{result['name']} is {with_article(result['role'])}. The API key, shown once:", markup=False
        )
        console.print(result["api_key"], markup=False, soft_wrap=True)

    answer(run(work(), as_json=as_json), show, as_json=as_json)


@user.command("list")
def list_(as_json: Json = False) -> None:
    """Who may decide, up to what, and how they get in."""

    async def work() -> dict[str, Any]:
        from server.db import open_ready  # noqa: PLC0415 - heavy: only when it runs
        from server.users import list_users  # noqa: PLC0415 - as above

        async with open_ready(configuration.load()) as pool, pool.connection() as conn:
            return {"users": await list_users(conn)}

    def show(result: dict[str, Any]) -> None:
        table = Table("name", "role", "limit", "password", "keys", "state")
        for u in result["users"]:
            table.add_row(
                *cells(
                    u["name"], u["role"], f"{u['limit_minor'] / 100:,.2f}", "yes" if u["has_password"] else "-",
                    u["keys"], "disabled" if u["disabled_at"] else "",
                )
            )  # fmt: skip
        console.print(table)

    answer(run(work(), as_json=as_json), show, as_json=as_json)


@user.command("set")
def set_(
    name: Name,
    role: Annotated[str | None, typer.Option(help="viewer, collector, manager or admin.")] = None,
    limit: Annotated[
        str | None, typer.Option(help="Up to what amount they may approve, in major units.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Give a user another role, another limit, or both; the access log says so."""

    async def work() -> dict[str, Any]:
        from server.db import open_ready  # noqa: PLC0415 - heavy: only when it runs
        from server.users import change_user  # noqa: PLC0415 - as above

        current = configuration.load()
        known = _role(role) if role is not None else None
        minor = _limit(limit, current.currency) if limit is not None else None
        clock = current.make_clock()
        async with open_ready(current) as pool, pool.connection() as conn, conn.transaction():
            now = await change_user(conn, name=name, role=known, limit_minor=minor, now=clock.now())
        return {"name": now.name, "role": now.role, "limit_minor": now.limit_minor}

    def show(result: dict[str, Any]) -> None:
        limited = f"{result['limit_minor'] / 100:,.2f}"
        console.print(f"{result['name']}: {result['role']}, up to {limited}.", markup=False)

    answer(run(work(), as_json=as_json), show, as_json=as_json)


@user.command("enable")
def enable(name: Name, as_json: Json = False) -> None:
    """Let a disabled user in again, with the keys that are still good."""

    async def work() -> dict[str, Any]:
        from server.db import open_ready  # noqa: PLC0415 - heavy: only when it runs
        from server.users import enable_user  # noqa: PLC0415 - as above

        current = configuration.load()
        clock = current.make_clock()
        async with open_ready(current) as pool, pool.connection() as conn, conn.transaction():
            await enable_user(conn, name=name, now=clock.now())
        return {"name": name, "disabled": False}

    answer(run(work(), as_json=as_json), lambda _: console.print("Enabled."), as_json=as_json)


@user.command("log")
def log(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many entries.")] = 100,
    as_json: Json = False,
) -> None:
    """Who logged in, and who changed users, keys and passwords, newest first."""

    async def work() -> dict[str, Any]:
        from server.db import open_ready  # noqa: PLC0415 - heavy: only when it runs
        from server.identity.log import read_log  # noqa: PLC0415 - as above

        async with open_ready(configuration.load()) as pool, pool.connection() as conn:
            return {"entries": await read_log(conn, limit=limit)}

    def show(result: dict[str, Any]) -> None:
        for e in result["entries"]:
            about = ", ".join(f"{name} {value}" for name, value in e["subject"].items())
            console.print(f"{e['at']:%Y-%m-%d %H:%M:%S} {e['actor']}: {e['action']} ({about})", markup=False)

    answer(run(work(), as_json=as_json), show, as_json=as_json)


@user.command("disable")
def disable(
    name: Name,
    last: Annotated[
        bool, typer.Option("--last-admin", help="Also where nobody is left who says who may what.")
    ] = False,
    as_json: Json = False,
) -> None:
    """End a user's access, until `user enable`: every key and session of theirs is refused from the next request on."""

    async def work() -> dict[str, Any]:
        from server.db import open_ready  # noqa: PLC0415 - heavy: only when it runs
        from server.users import disable_user  # noqa: PLC0415 - as above

        current = configuration.load()
        clock = current.make_clock()
        async with open_ready(current) as pool, pool.connection() as conn, conn.transaction():
            await disable_user(conn, name=name, now=clock.now(), last=last)
        return {"name": name, "disabled": True}

    answer(run(work(), as_json=as_json), lambda _: console.print("Disabled."), as_json=as_json)


@user.command("password")
def password(name: Name, as_json: Json = False) -> None:
    """Give a user a password for one login, at which they choose their own; ends their sessions and unlocks their name."""

    async def work() -> dict[str, Any]:
        from server.db import open_ready  # noqa: PLC0415 - heavy: only when it runs
        from server.users import ONE_TIME, give_one_time_password  # noqa: PLC0415 - as above

        current = configuration.load()
        clock = current.make_clock()
        async with open_ready(current) as pool, pool.connection() as conn, conn.transaction():
            given = await give_one_time_password(conn, name=name, now=clock.now())
        return {"name": name, "one_time_password": given, "days": ONE_TIME.days}

    def show(result: dict[str, Any]) -> None:
        console.print(f"For one login within {result['days']} days, shown once:")
        console.print(result["one_time_password"], markup=False, soft_wrap=True)

    answer(run(work(), as_json=as_json), show, as_json=as_json)


@key.command("add")
def add_key_(
    name: Name,
    scope: Annotated[list[str], typer.Option(help="read, decide, ingest or admin; give it again for more.")],
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it is good.")] = 365,
    label: Annotated[str, typer.Option(help="What it is for.")] = "",
    as_json: Json = False,
) -> None:
    """Give a user one more key, which is shown once. It may do no more than its user, and no more than its scopes."""

    async def work() -> dict[str, Any]:
        from server.db import open_ready  # noqa: PLC0415 - heavy: only when it runs
        from server.identity.keys import Scope, add_key  # noqa: PLC0415 - as above

        known = [one for one in get_args(Scope) if one in scope]
        if len(known) != len(set(scope)):
            raise Invalid(f"A scope is one of {', '.join(get_args(Scope))}.")
        current = configuration.load()
        clock = current.make_clock()
        async with open_ready(current) as pool, pool.connection() as conn:
            made = await add_key(
                conn,
                name=name,
                scopes=known,
                now=clock.now(),
                lifetime=timedelta(days=days),
                label=label[:80],
            )
        return {"name": name, "scopes": known, "days": days, "api_key": made}

    def show(result: dict[str, Any]) -> None:
        console.print("The API key, shown once:")
        console.print(result["api_key"], markup=False, soft_wrap=True)

    answer(run(work(), as_json=as_json), show, as_json=as_json)


@key.command("list")
def list_keys_(
    name: Annotated[str | None, typer.Argument(help="Whose; default: everybody's.")] = None,
    as_json: Json = False,
) -> None:
    """The keys that were given out: to whom, for what, until when, and when they were last used."""

    async def work() -> dict[str, Any]:
        from server.db import open_ready  # noqa: PLC0415 - heavy: only when it runs
        from server.identity.keys import list_keys  # noqa: PLC0415 - as above

        async with open_ready(configuration.load()) as pool, pool.connection() as conn:
            return {"keys": await list_keys(conn, name=name)}

    def show(result: dict[str, Any]) -> None:
        table = Table("id", "user", "label", "scopes", "until", "last used", "state")
        for k in result["keys"]:
            until, used = (
                f"{k[what]:%Y-%m-%d}" if k[what] else "-" for what in ("expires_at", "last_used_at")
            )
            state = "revoked" if k["revoked_at"] else ""
            table.add_row(*cells(k["id"], k["user"], k["label"], " ".join(k["scopes"]), until, used, state))
        console.print(table)

    answer(run(work(), as_json=as_json), show, as_json=as_json)


@key.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id, as listed.")],
    as_json: Json = False,
) -> None:
    """End a key: the next request with it gets a 401."""

    async def work() -> dict[str, Any]:
        from server.db import open_ready  # noqa: PLC0415 - heavy: only when it runs
        from server.identity.keys import revoke_key  # noqa: PLC0415 - as above

        current = configuration.load()
        clock = current.make_clock()
        async with open_ready(current) as pool, pool.connection() as conn:
            await revoke_key(conn, key_id, now=clock.now())
        return {"id": key_id, "revoked": True}

    answer(run(work(), as_json=as_json), lambda _: console.print("Revoked."), as_json=as_json)
