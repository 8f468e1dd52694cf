"""SendGrid's refusals in the port's words: what is the message's fault, what is ours, and what nobody knows."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.channels.base import NotTaken, Rejected
from tools.channels.sendgrid.refusals import FIXED_BY_A_PERSON, refusal
from tools.errors import Unavailable

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
SECRET = "dana@buyer.example"


def answered(status: int, field: Any = None, headers: dict[str, str] | None = None) -> Exception:
    """The refusal of an answer with one error, whose words name an address."""
    errors = {"errors": [{"message": f"{SECRET} is not valid", "field": field, "help": None}]}
    return refusal(status, headers or {}, json.dumps(errors).encode(), NOW)


def test_an_address_that_takes_no_mail_is_said_of_the_recipient() -> None:
    refused = answered(400, "personalizations.0.to.0.email")

    assert isinstance(refused, Rejected)
    assert (refused.code, refused.reason) == ("400 personalizations.0.to.0.email", "the recipient's address is not valid")  # fmt: skip
    assert refused.stop == "bounced"


@pytest.mark.parametrize(
    ("status", "field"), [(400, "subject"), (400, "content.0.value"), (400, None), (413, None), (415, None), (422, "x")]
)  # fmt: skip
def test_what_will_never_be_taken_is_rejected_and_says_nothing_of_the_recipient(
    status: int, field: str | None
) -> None:
    refused = answered(status, field)

    assert isinstance(refused, Rejected)
    assert refused.stop is None


@pytest.mark.parametrize(
    ("status", "field"),
    [(401, None), (403, "from"), (404, None), (405, None), (407, None), (400, "from.email"), (400, "reply_to.email"), (400, "asm.group_id")],
)  # fmt: skip
def test_a_wrong_setting_of_ours_is_no_fault_of_the_message(status: int, field: str | None) -> None:
    refused = answered(status, field)

    assert isinstance(refused, NotTaken)
    assert refused.retry_after == FIXED_BY_A_PERSON


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 599])
def test_of_a_servers_error_nobody_knows_what_became_of_the_mail(status: int) -> None:
    assert isinstance(answered(status), Unavailable)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"X-RateLimit-Reset": str(int(NOW.timestamp()) + 30)}, timedelta(seconds=30)),
        ({"X-RateLimit-Reset": str(int(NOW.timestamp()) - 30)}, timedelta(0)),
        ({"X-RateLimit-Reset": "9999999999"}, timedelta(days=1)),
        ({"Retry-After": "7", "X-RateLimit-Reset": "9999999999"}, timedelta(seconds=7)),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_a_busy_provider_says_when_to_come_again(headers: dict[str, str], wait: timedelta | None) -> None:
    refused = answered(429, headers=headers)

    assert isinstance(refused, NotTaken)
    assert refused.retry_after == wait


@given(
    status=st.integers(400, 599),
    field=st.one_of(st.just(SECRET), st.text(), st.integers(), st.lists(st.text())),
    body=st.binary(max_size=50) | st.sampled_from([b"[]", b"{}", b'{"errors": []}', b'{"errors": [1]}', b"[" * 5000]),
)  # fmt: skip
def test_no_refusal_repeats_what_sendgrid_said(status: int, field: Any, body: bytes) -> None:
    assert SECRET not in str(answered(status, field))
    assert isinstance(refusal(status, {}, body, NOW), NotTaken | Rejected | Unavailable)
