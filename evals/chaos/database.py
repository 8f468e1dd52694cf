"""The harness's own way into a run's database: a statement is repeated for as long as the server is away."""

import time
from types import TracebackType
from typing import Any, LiteralString, Self

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg.sql import Composed

from tools.errors import Unavailable

_PATIENCE = 60.0  # seconds: a server that was killed recovers first


class Database:
    """One connection, made again when it broke; a context manager. Its statements must bear being repeated."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._conn: psycopg.Connection[DictRow] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def rows(self, query: LiteralString | Composed, **given: Any) -> list[dict[str, Any]]:
        """The rows of a statement. Raises Unavailable when the server stays away."""
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            try:
                if self._conn is None:
                    self._conn = psycopg.connect(self._conninfo, autocommit=True, row_factory=dict_row)
                cursor = self._conn.execute(query, given)
                return cursor.fetchall() if cursor.description else []
            except psycopg.OperationalError:
                self._close()
                time.sleep(0.1)
        raise Unavailable("The database of the run did not come back.")

    def _close(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None
