"""Commands on the installation: serve, migrate, settings, users, and the demo."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from server import settings as configuration
from server.cli.output import Json, answer, console, run

user = typer.Typer(no_args_is_help=True, help="Who may decide.")
database = typer.Typer(no_args_is_help=True, help="The embedded database.")


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(serve)
    app.command()(migrate)
    app.command()(settings)
    app.command()(demo)
    app.add_typer(user, name="user")
    app.add_typer(database, name="database")


def serve() -> None:
    """Serve the HTTP API on DUNWELL_HOST and DUNWELL_PORT (default: this machine only)."""

    async def work() -> None:
        from server.serving import serve_forever  # noqa: PLC0415 - heavy: only when it runs

        await serve_forever(configuration.load())

    run(work())


def migrate(as_json: Json = False) -> None:
    """Bring the database's schema up to date; safe when several start at once."""

    async def work() -> dict[str, Any]:
        from server.db import open_ready  # noqa: PLC0415 - heavy: only when it runs

        async with open_ready(configuration.load()):
            return {"current": True}

    answer(run(work(), as_json=as_json), lambda _: console.print("The schema is current."), as_json=as_json)


def settings(as_json: Json = False) -> None:
    """Every setting and its value; secrets show as asterisks."""

    async def work() -> dict[str, Any]:
        return dict(configuration.masked(configuration.load()))

    def show(result: dict[str, Any]) -> None:
        table = Table()
        table.add_column("variable")
        table.add_column("value", overflow="fold")
        for name, value in result.items():
            table.add_row(name, "" if value is None else str(value))
        console.print(table)

    answer(run(work(), as_json=as_json), show, as_json=as_json)


def demo(
    keep: Annotated[bool, typer.Option(help="Keep the demo's database and say where it is.")] = False,
    ledger: Annotated[
        Path | None, typer.Option(help="A copy of the sample ledger that you changed; default: as shipped.")
    ] = None,
) -> None:
    """Watch the whole job on the sample ledger; the last line is its figures as JSON.

    It plays in a database of its own that is gone afterwards. Of your settings it uses which model thinks.
    """
    from server.demo import run_demo  # noqa: PLC0415 - heavy: only when it runs

    raise typer.Exit(run_demo(keep=keep, ledger=ledger))


@user.command("add")
def add(
    name: str,
    role: Annotated[str, typer.Option(help="viewer, collector, manager or admin.")],
    limit: Annotated[str, typer.Option(help="Up to what amount they may approve, in major units.")] = "0",
    as_json: Json = False,
) -> None:
    """Add somebody who may decide; their API key is shown once."""

    async def work() -> dict[str, Any]:
        from agent.policy.verdict import ROLES  # noqa: PLC0415 - heavy: only when it runs
        from server.db import open_ready  # noqa: PLC0415 - as above
        from server.users import add_user  # noqa: PLC0415 - as above
        from tools.errors import Invalid  # noqa: PLC0415 - as above
        from tools.money import Money  # noqa: PLC0415 - as above

        current = configuration.load()
        clock = current.make_clock()
        known = next((known for known in ROLES if known == role), None)
        if known is None:
            raise Invalid(f"{role!r} is no role: it is one of {', '.join(ROLES)}.")
        minor = Money.of(limit, current.currency).minor
        if minor < 0:
            raise Invalid("A limit is not negative.")
        async with open_ready(current) as pool, pool.connection() as conn, conn.transaction():
            key = await add_user(conn, name=name, role=known, limit_minor=minor, now=clock.now())
        return {"name": name, "role": known, "limit_minor": minor, "api_key": key}

    def show(result: dict[str, Any]) -> None:
        console.print(f"{result['name']} is a {result['role']}. The API key, shown once:")
        console.print(result["api_key"], markup=False, soft_wrap=True)

    answer(run(work(), as_json=as_json), show, as_json=as_json)


@user.command("list")
def list_(as_json: Json = False) -> None:
    """Who may decide, and up to what."""

    async def work() -> dict[str, Any]:
        from server.db import open_ready  # noqa: PLC0415 - heavy: only when it runs
        from server.users import list_users  # noqa: PLC0415 - as above

        async with open_ready(configuration.load()) as pool, pool.connection() as conn:
            return {"users": await list_users(conn)}

    def show(result: dict[str, Any]) -> None:
        table = Table()
        for column in ("name", "role", "limit"):
            table.add_column(column)
        for u in result["users"]:
            table.add_row(u["name"], u["role"], f"{u['limit_minor'] / 100:,.2f}")
        console.print(table)

    answer(run(work(), as_json=as_json), show, as_json=as_json)


@database.command("stop")
def stop_(as_json: Json = False) -> None:
    """Stop the embedded database of DUNWELL_DATA_DIR."""

    async def work() -> dict[str, Any]:
        from server.embedded import stop  # noqa: PLC0415 - heavy: only when it runs

        stop(configuration.load().data_dir)
        return {"stopped": True}

    answer(run(work(), as_json=as_json), lambda _: console.print("Stopped."), as_json=as_json)
