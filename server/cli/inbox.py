"""The inbox: messages of which a person has to say whom they concern."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server import settings as configuration
from server.cli.output import Json, answer, console, run
from tools.activity.describe import quoted
from tools.errors import Forbidden

if TYPE_CHECKING:
    from agent.engine.run import Engine

inbox = typer.Typer(no_args_is_help=True, help="Messages of which a person has to say whom they concern.")
InboxId = Annotated[int, typer.Argument(help="The number that `dunwell inbox list` shows.", min=1)]
As = Annotated[str, typer.Option("--as", help="Who says so: the name of a user.")]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.add_typer(inbox, name="inbox")


@inbox.command("list")
def list_(
    settled: Annotated[bool, typer.Option("--all", help="Those that somebody settled as well.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 100,
    as_json: Json = False,
) -> None:
    """Messages that wait for a person, oldest first: from whom, why they wait, and whom they may concern."""

    async def work() -> dict[str, Any]:
        from server.db import open_ready  # noqa: PLC0415 - heavy: only when it runs
        from tools.memory.unmatched import read_unmatched  # noqa: PLC0415 - as above

        async with open_ready(configuration.load()) as pool, pool.connection() as conn:
            return {"inbox": await read_unmatched(conn, settled=settled, limit=limit)}

    def show(result: dict[str, Any]) -> None:
        if not result["inbox"]:
            console.print("Nothing waits.")
        for one in result["inbox"]:
            console.print(
                f"{one['id']}  {one['at']:%d %b %H:%M}  {one['channel']} from {one['address']}: "
                f"{one['outcome'] or one['why'].replace('_', ' ')}",
                style="bold", markup=False, soft_wrap=True,
            )  # fmt: skip
            if one["customer_ids"]:
                console.print(f"   may concern {', '.join(one['customer_ids'])}", markup=False)
            said = " ".join(part for part in (one["subject"], one["body"]) if part)
            console.print(f"   {quoted(said)}", markup=False, soft_wrap=True)

    answer(run(work(), as_json=as_json), show, as_json=as_json)


@inbox.command()
def assign(
    inbox_id: InboxId,
    customer_id: Annotated[str, typer.Argument(help="Whose message it is.")],
    user: As,
    as_json: Json = False,
) -> None:
    """Give the message to a customer's conversation: a worker answers it, to a contact point on file only."""

    async def work() -> dict[str, Any]:
        from server.inbox import assign as give  # noqa: PLC0415 - heavy: only when it runs

        async with _opened(user) as engine:
            done = await give(engine, inbox_id, customer_id, by=user)
        return {"customer": done.customer_id, "message": done.message_id}

    answer(
        run(work(), as_json=as_json),
        lambda done: console.print(f"It is message {done['message']} of {customer_id} now.", markup=False),
        as_json=as_json,
    )


@inbox.command()
def dismiss(inbox_id: InboxId, user: As, as_json: Json = False) -> None:
    """Put the message away: it concerns no customer."""

    async def work() -> dict[str, Any]:
        from server.inbox import dismiss as put_away  # noqa: PLC0415 - heavy: only when it runs

        async with _opened(user) as engine:
            await put_away(engine, inbox_id, by=user)
        return {"dismissed": inbox_id}

    answer(run(work(), as_json=as_json), lambda _: console.print("Put away."), as_json=as_json)


@asynccontextmanager
async def _opened(name: str) -> AsyncIterator["Engine"]:
    """An engine for somebody who may act. Raises Forbidden for a viewer, as the API does."""
    from server.runtime import open_engine  # noqa: PLC0415 - heavy: only when it runs
    from server.users import user_named  # noqa: PLC0415 - as above

    async with open_engine(configuration.load()) as engine:
        async with engine.deps.pool.connection() as conn:
            user = await user_named(conn, name)
        if user.role == "viewer":
            raise Forbidden(f"This needs a collector; {user.name} is a viewer.")
        yield engine
