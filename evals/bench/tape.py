"""A tape of one real turn: every statement that it ran for its customer, with its parameters and what it gave back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from psycopg import AsyncCursor
from typing_extensions import override

from evals.bench.ours import Ours
from evals.bench.people import Caller


@dataclass(slots=True)
class Statement:
    """One statement; `ids` are what its rows begin with where that is ids, `read` says whether anybody read its rows."""

    query: Any
    given: Any
    read: bool = False
    ids: list[int] = field(default_factory=list)


def by_transaction(tape: list[Statement]) -> list[list[Statement]]:
    """What ran in each transaction that was narrowed to the customer, but for its beginning, what narrows it, and its end."""
    groups: list[list[Statement]] = []
    within = False
    for statement in tape:
        if statement.query == "COMMIT":
            within = False
        elif isinstance(statement.given, Mapping):
            if within:
                groups[-1].append(statement)
        elif statement.given is not None:
            within = True
            groups.append([])
    return groups


async def record(ours: Ours, caller: Caller, turn: int) -> list[Statement]:
    """Run that turn and give its tape; the engine's pool must hold one connection, so that nothing is missed."""
    tape: list[Statement] = []

    class Recorder(AsyncCursor[Any]):
        @override
        async def execute(self, query: Any, params: Any = None, **options: Any) -> "Recorder":
            tape.append(Statement(query, params))
            self.statement = tape[-1]
            return await super().execute(query, params, **options)

        @override
        async def fetchone(self) -> Any:
            row = await super().fetchone()
            self._keep([row])
            return row

        @override
        async def fetchall(self) -> list[Any]:
            rows = await super().fetchall()
            self._keep(rows)
            return rows

        def _keep(self, rows: list[Any]) -> None:
            self.statement.read = True
            firsts = (row[0] if isinstance(row, tuple) else row for row in rows)
            self.statement.ids = [first for first in firsts if isinstance(first, int)]

    async with ours.engine.deps.pool.connection() as conn:
        before, conn.cursor_factory = conn.cursor_factory, Recorder
    try:
        await ours.turn(caller, turn)
    finally:
        async with ours.engine.deps.pool.connection() as conn:
            conn.cursor_factory = before
    return tape
