"""The autonomy ladder on record: evidence counted from what happened, and the steps that a breach or a person makes."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import class_row, dict_row, scalar_row
from psycopg.types.json import Jsonb

from agent.deps import Deps
from agent.policy.autonomy import Evidence, Weighed, weigh
from agent.policy.gate import permit_for_task
from agent.policy.verdict import ROLES, Role
from tools import sql
from tools.activity.chain import Entry, append
from tools.activity.record import talking_points
from tools.clock import business_day
from tools.errors import Forbidden, NotFound, Refused
from tools.followups.follow_ups import schedule
from tools.ledger.model import Mode
from tools.ledger.queries import lock_customer, read_account
from tools.spec import digest

_SQL = sql.load("agent.autonomy")


@dataclass(frozen=True, slots=True)
class Standing:
    """One action in one segment: what was counted of it, how far it may go now, and what the evidence says of that."""

    segment: str
    action: str
    now: Mode
    most: Mode  # what the policy file allows
    evidence: Evidence
    weighed: Weighed
    last_trouble: int | None  # the decision that the last complaint, rejection or false positive goes back to

    def as_json(self) -> dict[str, Any]:
        """A row for people and programs."""
        return {
            "segment": self.segment, "action": self.action, "evidence": asdict(self.evidence), "now": self.now,
            "allowed": self.most, "proposed": self.weighed.mode, "breach": self.weighed.breach, "why": self.weighed.why,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Counted:
    segment: str
    action: str
    level: Mode | None
    accepted: int
    edited: int
    rejected: int
    distance_permille: int
    sent: int
    complaints: int
    false_positives: int
    last_trouble: int | None

    def evidence(self) -> Evidence:
        return Evidence(
            self.accepted, self.edited, self.rejected, self.distance_permille, self.sent, self.complaints,
            self.false_positives,
        )  # fmt: skip


async def standings(
    conn: AsyncConnection[Any], deps: Deps, *, segment: str | None = None
) -> Sequence[Standing]:
    """Every action of which something was counted, by segment; of one segment where it is given."""
    policy = deps.gate.policy
    terms = policy.document.autonomy
    after = deps.clock.now() - timedelta(days=terms.window_days)
    async with conn.cursor(row_factory=class_row(_Counted)) as cursor:
        await cursor.execute(_SQL["counted"], {"after": after, "segment": segment})
        counted = await cursor.fetchall()
    found = []
    for each in counted:
        most = policy.most(each.segment, each.action)
        now = policy.mode(each.segment, each.action, {each.action: each.level} if each.level else {})
        weighed = weigh(now, most, each.evidence(), terms)
        found.append(
            Standing(each.segment, each.action, now, most, each.evidence(), weighed, each.last_trouble)
        )
    return found


async def changes(
    conn: AsyncConnection[Any], *, segment: str | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """The steps up and down, newest first."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["changes"], {"segment": segment, "limit": limit})
        return await cursor.fetchall()


async def breaches(conn: AsyncConnection[Any], deps: Deps) -> Sequence[Standing]:
    """What has to come down."""
    return [standing for standing in await standings(conn, deps) if _falls(standing)]


async def step_down(conn: AsyncConnection[Any], deps: Deps, seen: Standing) -> Standing | None:
    """One step down for what was `seen` to breach, with a task for a person; None where somebody was quicker.

    Counting begins anew with each step, so that a breach brings down one step and not one more with every look.
    """
    await conn.execute(_SQL["lock"])
    for standing in await standings(conn, deps, segment=seen.segment):
        if standing.action == seen.action and _falls(standing):
            change_id = await _step(conn, deps, standing, by="system")
            await _tell(conn, deps, standing, change_id)
            return standing
    return None


def _falls(standing: Standing) -> bool:
    return standing.weighed.breach and standing.weighed.mode != standing.now


async def promote(
    conn: AsyncConnection[Any], deps: Deps, segment: str, *, by: str, role: Role, action: str | None = None
) -> Sequence[Standing]:
    """One step up for the segment's actions whose evidence supports it, or for one action. Gives them as they were.

    Raises Forbidden for who is no admin, NotFound where nothing was counted, and Refused, with what is missing, where
    no action may go up.
    """
    if role != ROLES[-1]:
        raise Forbidden(f"This needs an admin; {by} is a {role}.")
    await conn.execute(_SQL["lock"])
    found = [s for s in await standings(conn, deps, segment=segment) if action in (None, s.action)]
    if not found:
        raise NotFound("evidence for", segment if action is None else f"{segment}: {action}")
    rising = [s for s in found if not s.weighed.breach and s.weighed.mode != s.now]
    if not rising:
        missing = "; ".join(f"{s.action} stays {s.now}: {s.weighed.why}" for s in found)
        raise Refused(f"Nothing in {segment} may go up. {missing}.")
    for standing in rising:
        await _step(conn, deps, standing, by=by)
    return rising


async def _step(conn: AsyncConnection[Any], deps: Deps, standing: Standing, *, by: str) -> int:
    given = {
        "segment": standing.segment, "action": standing.action, "before": standing.now, "mode": standing.weighed.mode,
        "why": standing.weighed.why, "evidence": Jsonb(asdict(standing.evidence)), "by": by,
        "policy_version": deps.gate.policy.version, "now": deps.clock.now(),
    }  # fmt: skip
    await conn.execute(_SQL["set_level"], given)
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL["change"], given)
        return int(await cursor.fetchone() or 0)


async def _tell(conn: AsyncConnection[Any], deps: Deps, standing: Standing, change_id: int) -> None:
    """A person's task, on the account of the last trouble, and the step in that account's log."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["troubled"], {"decision_id": standing.last_trouble})
        last = await cursor.fetchone()
    if last is None:
        return
    now = deps.clock.now()
    customer_id, episode_id = last["customer_id"], last["episode_id"]
    await lock_customer(conn, customer_id=customer_id)
    permit = permit_for_task(
        decision_id=last["decision_id"], episode_id=episode_id, customer_id=customer_id,
        digest=digest(["autonomy", change_id]),
    )  # fmt: skip
    account = await read_account(
        conn, customer_id=customer_id, today=business_day(now, deps.company.zone), now=now
    )
    lower = standing.weighed.mode
    why = f"{standing.action} in {standing.segment} went down to {lower}: {standing.weighed.why}."
    await schedule(
        conn, permit, kind="review", due_at=now, reason=why, assignee=account.customer.owner, priority="high",
        talking_points=talking_points(account, why),
    )  # fmt: skip
    subject = {"autonomy_change": change_id, "action": standing.action, "from": standing.now, "to": lower}
    entry = Entry("system", "System", "autonomy.demoted", subject, episode_id, last["decision_id"])
    await append(conn, customer_id=customer_id, at=now, entries=[entry])
