"""Which approvals a person may answer with one word: drafts of the same reviewed template that only the mode held back."""

from collections.abc import Sequence
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import class_row

from agent.approvals.model import Approval
from agent.policy.verdict import AGENT
from tools import sql

_SQL = sql.load("agent.approvals")
_MODE_ASKED = "MODE-DRAFT-MESSAGE"


def likeness(approval: Approval) -> tuple[str, str] | None:
    """The purpose and template that approvals share which are alike; None: it has to be decided by itself.

    Alike are messages of the agent's own, in a reviewed template, for a collector, of which every rule but the one of
    `draft` mode says that no person is needed.
    """
    asking = {reason["rule"] for reason in approval.reasons if reason["says"] == "ask"}
    purpose, template = approval.args.get("purpose"), approval.args.get("template")
    ours = approval.proposed_by == AGENT and approval.role == "collector" and approval.first_by is None
    if asking != {_MODE_ASKED} or not ours or not isinstance(purpose, str) or not isinstance(template, str):
        return None
    return purpose, template


async def alike(conn: AsyncConnection[Any], approval: Approval, *, limit: int) -> Sequence[Approval]:
    """The other approvals that wait and are like this one, oldest first; none where it has to be decided by itself."""
    like = likeness(approval)
    if like is None:
        return []
    async with conn.cursor(row_factory=class_row(Approval)) as cursor:
        given = {"purpose": like[0], "template": like[1], "approval_id": approval.id, "limit": limit}
        await cursor.execute(_SQL["alike"], given)
        return [other for other in await cursor.fetchall() if likeness(other) == like]
