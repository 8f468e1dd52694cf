"""A customer's file: all that is held on them, for the customer who asks for it or the person who has to look."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from server.audit import one_moment
from server.db import Pool
from tools import sql
from tools.activity.chain import Entry, append
from tools.activity.chain import instant as utc
from tools.clock import Clock
from tools.errors import Invalid
from tools.ledger.queries import lock_customer

_SQL = sql.load("server")


@dataclass(frozen=True, slots=True)
class CustomerFile:
    """The rows of every table that holds something on the customer, by the table's name, as they were at one moment."""

    customer_id: str
    at: str
    held: dict[str, list[dict[str, Any]]]

    @property
    def rows(self) -> dict[str, int]:
        """How many rows there are of what; nothing is not listed."""
        return {name: len(rows) for name, rows in self.held.items() if rows}

    def as_json(self) -> dict[str, Any]:
        """The file as one object."""
        return {"customer_id": self.customer_id, "at": self.at, "held": self.held}


async def read_file(pool: Pool, clock: Clock, customer_id: str, *, by: str) -> CustomerFile:
    """Read a customer's file; the log says who did. Raises NotFound.

    Money is in minor units beside its currency, as everywhere. Message salts, vectors and search words are left out.
    """
    now = clock.now()
    async with pool.connection() as conn, conn.transaction():
        await lock_customer(conn, customer_id=customer_id)
        await append(
            conn, customer_id=customer_id, at=now, entries=[Entry(by, "Collector", "customer.exported")]
        )
    async with one_moment(pool) as conn:
        row = await (await conn.execute(_SQL["customer_file"], {"customer_id": customer_id})).fetchone()
    return CustomerFile(customer_id, utc(now), row[0] if row else {})


@contextmanager
def file_for(out: Path) -> Iterator[TextIO]:
    """A new file that only its owner can read; gone again where nothing came of it.

    Opened before anything is read: the log tells of no file that could not be written. Raises Invalid where it cannot
    be, or something is there already.
    """
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as refused:
        raise Invalid(f"{out} cannot be written: {refused.strerror}.") from refused
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        try:
            yield handle
        except BaseException:  # however it ends, half a file is not left behind; it is raised on
            out.unlink(missing_ok=True)
            raise


def write_file(file: CustomerFile, handle: TextIO) -> None:
    """Write it there as one object of JSON."""
    handle.write(json.dumps(file.as_json(), ensure_ascii=False, indent=1) + "\n")
