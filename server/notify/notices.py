"""Notices: a row for each, written from what waits and kept until somebody took it, so that none is lost.

A try that dies after it was delivered is made once more, with the same id; that is the only way one comes twice.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import structlog
from psycopg.rows import class_row

from agent.deps import Deps, Pool
from server.notify.notifier import Notice, Notifier
from tools import sql
from tools.errors import Unavailable

_SQL = sql.load("server.notify")
# How long the first, second, ... try has; the last one is the last.
_WAITS = [timedelta(seconds=s) for s in (30, 60, 300, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600)]
_log = structlog.get_logger()
Outcome = Literal["delivered", "moot", "given_up"]


@dataclass(frozen=True, slots=True)
class _Taken:
    id: str
    event: str
    approval_id: str
    role: str
    tries: int
    kind: str
    state: str
    asked_at: datetime
    expires_at: datetime
    decides: str

    @property
    def moot(self) -> bool:
        """It was decided meanwhile, or handed up to somebody who is told by a notice of their own."""
        return self.state != "pending" or (self.event == "asked" and self.decides != self.role)


async def tell(deps: Deps, notifier: Notifier) -> int:
    """Tell of everything that waits and nobody was told of, until one is not taken. The number that were delivered."""
    async with deps.pool.connection() as conn:
        await conn.execute(_SQL["note"], {"now": deps.clock.now()})
    delivered = 0
    while taken := await _take(deps):
        if taken.moot:
            await _settle(deps.pool, taken.id, "moot", deps.clock.now())
        elif await _deliver(deps, notifier, taken):
            delivered += 1
        else:
            break  # whoever does not take one takes none: the others are not made to wait for it, too
    return delivered


async def _take(deps: Deps) -> _Taken | None:
    given = {"now": deps.clock.now(), "waits": _WAITS, "most": len(_WAITS)}
    async with deps.pool.connection() as conn, conn.cursor(row_factory=class_row(_Taken)) as cursor:
        await cursor.execute(_SQL["take"], given)
        return await cursor.fetchone()


async def _deliver(deps: Deps, notifier: Notifier, taken: _Taken) -> bool:
    now = deps.clock.now()
    notice = Notice(
        taken.id, taken.event, taken.approval_id, taken.kind, taken.role, taken.asked_at, taken.expires_at
    )
    try:
        await notifier.notify(notice, now=now)
    except Unavailable as why:
        last = taken.tries >= len(_WAITS)
        _log.warning("notice_not_taken", notice=taken.id, tries=taken.tries, last=last, why=str(why))
        if last:
            await _settle(deps.pool, taken.id, "given_up", now)
        return False
    await _settle(deps.pool, taken.id, "delivered", now)
    return True


async def _settle(pool: Pool, notice_id: str, outcome: Outcome, now: datetime) -> None:
    given: dict[str, Any] = {"id": notice_id, "outcome": outcome, "now": now}
    async with pool.connection() as conn:
        await conn.execute(_SQL["settle"], given)
