"""Consent: what a customer allows us, changed by their word, their carrier or their mailbox; each change with its source.

An opt-out takes effect in the transaction that hears of it, with the withdrawal of all that waits. Back in is the
customer's alone: no person and no model lifts an opt-out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg import AsyncConnection
from psycopg.rows import dict_row, scalar_row

from tools import sql
from tools.ledger.model import Channel
from tools.outbox.queue import withdraw

_SQL = sql.load("tools.arrangements")
Scope = Literal["this_channel", "sms", "email", "all"]
Stop = Literal["opt_out", "wrong_party", "bounced", "complaint"]
Source = Literal["words", "keyword", "carrier", "unsubscribe", "provider", "collector"]
_WHY_WITHDRAWN = {
    "opt_out": "opt-out", "wrong_party": "wrong party", "bounced": "bounced", "complaint": "complaint",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """How we know: by what source, in which message, under which decision, as which event of a provider, and when."""

    source: Source
    at: datetime
    message_id: int | None = None
    decision_id: int | None = None
    provider_ref: str | None = None


def opted_out_of(scope: Scope, came_by: Channel | None) -> Channel | None:
    """The channel that an opt-out of this scope closes; None closes all, as where it came by none that we send on."""
    match scope:
        case "sms" | "email":
            return scope
        case "this_channel" if came_by in ("sms", "email"):
            return came_by
        case _:
            return None


async def stop(
    conn: AsyncConnection[Any],
    *,
    customer_id: str,
    channel: Channel | None,
    contact_id: str | None,
    reason: Stop,
    evidence: Evidence,
) -> list[int]:
    """Never again on that channel and contact point (None: on all of them), and nothing that waits: the outbox ids withdrawn.

    Saying it again changes nothing but the ledger of consent.
    """
    given = _given(customer_id, channel, contact_id, reason, evidence)
    await conn.execute(_SQL["add_suppression"], given)
    await conn.execute(_SQL["add_consent_event"], given)
    return await withdraw(
        conn, customer_id=customer_id, reason=_WHY_WITHDRAWN[reason], now=evidence.at, channel=channel,
        contact_id=contact_id,
    )  # fmt: skip


async def opt_in(
    conn: AsyncConnection[Any], *, customer_id: str, channel: Channel, contact_id: str, evidence: Evidence
) -> bool:
    """The customer wants to hear from us again at this contact point: whether an opt-out of theirs ended with it.

    An opt-out of every channel goes on for all the others. A wrong party, a bounce or a complaint is nothing that this lifts.
    """
    given = _given(customer_id, channel, contact_id, "opt_in", evidence)
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL["lift_opt_outs"], given)
        lifted = await cursor.fetchall()
        if None in lifted:  # every channel: the others stay as they were
            await cursor.execute(_SQL["keep_others_out"], given)
        await cursor.execute(_SQL["grant_consent"], given)
        granted = cursor.rowcount > 0
    if lifted or granted:
        await conn.execute(_SQL["add_consent_event"], given)
    return bool(lifted or granted)


async def is_opted_out(conn: AsyncConnection[Any], *, customer_id: str, channel: Channel) -> bool:
    """Whether an opt-out of the customer is in force on this channel."""
    cursor = await conn.execute(_SQL["is_opted_out"], {"customer_id": customer_id, "channel": channel})
    return await cursor.fetchone() is not None


async def consent_ledger(conn: AsyncConnection[Any], *, customer_id: str) -> Sequence[dict[str, Any]]:
    """Every change of this customer's consent, oldest first, with its source and time."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["consent_ledger"], {"customer_id": customer_id})
        return await cursor.fetchall()


def _given(
    customer_id: str, channel: Channel | None, contact_id: str | None, change: str, evidence: Evidence
) -> dict[str, Any]:
    return {
        "customer_id": customer_id, "channel": channel, "contact_id": contact_id, "change": change,
        "source": evidence.source, "message_id": evidence.message_id, "decision_id": evidence.decision_id,
        "provider_ref": evidence.provider_ref, "now": evidence.at,
    }  # fmt: skip
