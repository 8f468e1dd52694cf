"""The audit trail: proven against itself and against an anchor that was kept elsewhere, and written out as files."""

import csv
import json
import re
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TextIO

from psycopg import AsyncConnection, IsolationLevel

from server.db import Pool
from tools import sql
from tools.activity.anchors import Anchor, Anchors, anchor, verify_anchors
from tools.activity.chain import Verification, instant, read, verify
from tools.activity.misfits import Misfit, find_misfits
from tools.clock import Clock
from tools.errors import Invalid, NotFound
from tools.spec import canonical

Format = Literal["jsonl", "csv"]
COLUMNS = (
    "customer_id", "seq", "at", "actor", "source", "action", "subject", "episode_id", "decision_id", "prev_hash", "hash"
)  # fmt: skip
_SQL = sql.load("server")
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Audited:
    """What the log, the rows it tells of and its anchors came to; `astray`: why an anchor that was kept elsewhere is none of ours."""

    log: Verification
    misfits: Sequence[Misfit]
    anchors: Anchors
    astray: str | None

    @property
    def holds(self) -> bool:
        """Whether every link, what it tells of, every anchor and the anchor from elsewhere hold."""
        told = not self.log.broken and not self.misfits
        return told and self.anchors.broken is None and self.astray is None


@asynccontextmanager
async def one_moment(pool: Pool) -> AsyncIterator[AsyncConnection[Any]]:
    """A read-only transaction that sees what was committed when it began, and nothing after."""
    async with pool.connection() as conn:
        await conn.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        await conn.set_read_only(True)
        try:
            async with conn.transaction():
                yield conn
        finally:
            await conn.set_isolation_level(None)
            await conn.set_read_only(None)


async def audit(pool: Pool, *, customer_id: str | None = None, kept: str | None = None) -> Audited:
    """Recompute chains and anchors, and hold decisions and messages against them. `kept`: an anchor's hash, or what `dunwell audit anchor --json` printed, a line each.

    Raises Invalid for a `kept` that is neither, NotFound for a customer of whom nothing is known.
    """
    claims = list(_claims(kept)) if kept is not None else []
    async with one_moment(pool) as conn:
        if customer_id is not None and not await _is_known(conn, customer_id):
            raise NotFound("customer", customer_id)
        anchors = await verify_anchors(conn)
        log = await verify(conn, customer_id=customer_id)
        misfits = await find_misfits(conn, customer_id=customer_id)
    ours = {a.hash: as_json(a) for a in anchors.hold}
    astray = next((why for claim in claims if (why := _astray(claim, ours)) is not None), None)
    return Audited(log, misfits, anchors, astray)


async def _is_known(conn: AsyncConnection[Any], customer_id: str) -> bool:
    return (
        await (await conn.execute(_SQL["is_customer"], {"customer_id": customer_id})).fetchone() is not None
    )


def kept_anchor(given: str) -> str:
    """What `--anchor` was given: the hash itself, or the content of the file. Raises Invalid for a file that cannot be read."""
    if _HASH.fullmatch(given):
        return given
    try:
        return Path(given).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as unread:
        raise Invalid(f"{given!r} is neither an anchor's hash nor a file with anchors.") from unread


def _claims(kept: str) -> Iterable[dict[str, Any]]:
    if _HASH.fullmatch(kept.strip()):
        yield {"hash": kept.strip()}
        return
    lines = [line for line in kept.splitlines() if line.strip()]
    try:
        claims = [json.loads(line) for line in lines]
    except json.JSONDecodeError as unread:
        raise Invalid("An anchor is a hash of 64 digits, or one line of JSON for each.") from unread
    if not claims or not all(isinstance(c, dict) and isinstance(c.get("hash"), str) for c in claims):
        raise Invalid("The file holds no anchor: each of its lines needs a `hash`.")
    yield from claims


def _astray(claim: dict[str, Any], ours: dict[str, dict[str, Any]]) -> str | None:
    stated = ours.get(claim["hash"])
    if stated is None:
        return f"no anchor that holds has the hash {claim['hash']}: what it vouched for was changed"
    differs = sorted(name for name in claim if name in stated and claim[name] != stated[name])
    return f"anchor {stated['id']} was kept with another {differs[0]}" if differs else None


def as_json(made: Anchor) -> dict[str, Any]:
    """An anchor as it is printed, to be kept elsewhere."""
    return {**asdict(made), "at": instant(made.at)}


async def add_anchor(pool: Pool, clock: Clock) -> Anchor | None:
    """Anchor the log now: the newest anchor, which is the one before where nothing happened since; None: nothing ever did."""
    async with pool.connection() as conn, conn.transaction():
        return await anchor(conn, at=clock.now())


async def export(
    pool: Pool, out: TextIO, *, form: Format, customer_id: str | None = None, since: datetime | None = None
) -> int:
    """Write the log to `out`, entry by entry: how many there were.

    A line of JSON has the fields that are hashed in the form in which they are, so that anybody can recompute `hash`.
    """
    write = _csv(out) if form == "csv" else _jsonl(out)
    written = 0
    async with one_moment(pool) as conn:
        async for row in read(conn, customer_id=customer_id, since=since):
            write({**row, "at": instant(row["at"])})
            written += 1
    return written


def _jsonl(out: TextIO) -> Callable[[dict[str, Any]], object]:
    return lambda row: out.write(canonical(row) + "\n")


def _csv(out: TextIO) -> Callable[[dict[str, Any]], object]:
    rows = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    rows.writeheader()
    return lambda row: rows.writerow({**row, "subject": canonical(row["subject"])})
