"""What a customer told us that stays true: standing facts, and contact points that a person has verified."""

import re
from datetime import datetime
from typing import Any

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from psycopg import AsyncConnection

from tools import sql
from tools.errors import Refused
from tools.spec import Permit, digest

_SQL = sql.load("tools.arrangements")
_ONE_AT_A_TIME = frozenset({"channel", "language", "hours", "payment_habit"})
_EMAIL = re.compile(r"[^\s<>,;:\"']+@[^\s<>,;:\"']+\w")


async def add_standing_fact(
    conn: AsyncConnection[Any], permit: Permit, *, kind: str, fact: str, message_id: int | None, now: datetime
) -> None:
    """Remember `fact`, in the customer's words or ours, with the message that it came from.

    What a customer has one of at a time (channel, language, hours, payment habit) takes the older one's place; of the
    other kinds only the same words do. A promise's fact ends with the promise.
    """
    given = {
        "customer_id": permit.customer_id, "decision_id": permit.decision_id, "kind": kind, "fact": fact,
        "message_id": message_id, "now": now, "replaces": kind in _ONE_AT_A_TIME,
    }  # fmt: skip
    await conn.execute(_SQL["end_standing_facts"], given)
    await conn.execute(_SQL["add_standing_fact"], given)


def contact_point_in(quote: str) -> tuple[str, str]:
    """The (channel, address) that `quote` names: one e-mail address or one US phone number (E.164). Raises Refused."""
    for candidate in _EMAIL.findall(quote):
        try:
            found = validate_email(candidate, check_deliverability=False, test_environment=True)
        except EmailNotValidError:
            continue
        return "email", found.normalized
    for match in phonenumbers.PhoneNumberMatcher(quote, "US", leniency=phonenumbers.Leniency.POSSIBLE):
        return "sms", phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
    raise Refused("The quoted words name no e-mail address or phone number; a person has to ask for it.")


async def add_contact(conn: AsyncConnection[Any], permit: Permit, *, quote: str, now: datetime) -> None:
    """Add the contact point that `quote` names; the person who approved it has verified it out of band."""
    channel, address = contact_point_in(quote)
    await conn.execute(
        _SQL["add_contact"],
        {
            "contact_id": f"contact-{digest([permit.customer_id, channel, address])[:12]}",
            "customer_id": permit.customer_id, "channel": channel, "address": address,
            "source": f"decision {permit.decision_id}", "now": now,
        },
    )  # fmt: skip
