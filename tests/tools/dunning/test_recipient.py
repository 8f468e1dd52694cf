"""A message goes to a contact point on file that may be written to, and a reply goes back where it came from."""

import pytest

from tests.tools.dunning.accounts import NOW, a_contact, an_account
from tools.dunning.errors import Undraftable
from tools.dunning.recipient import choose_contact
from tools.ledger.model import Suppression


def test_verified_billing_comes_first_and_a_site_contact_last() -> None:
    contacts = [
        a_contact(id="site", role="site"),
        a_contact(id="owner-unverified", role="owner", verified_at=None),
        a_contact(id="billing-unverified", verified_at=None),
        a_contact(id="owner", role="owner"),
        a_contact(id="shared", shared=True),
        a_contact(id="best"),
    ]
    expected = ["best", "shared", "owner", "billing-unverified", "owner-unverified", "site"]
    for rank, contact_id in enumerate(expected):
        left = [contact for contact in contacts if contact.id not in expected[:rank]]
        assert choose_contact(an_account(contacts=left), "sms", None).id == contact_id


@pytest.mark.parametrize("barred", [{"opted_out_at": NOW}, {"consent": "denied"}])
def test_who_opted_out_or_refused_is_not_written_to(barred: dict[str, object]) -> None:
    account = an_account(contacts=[a_contact(**barred)])
    with pytest.raises(Undraftable, match="Nobody can be reached by sms"):
        choose_contact(account, "sms", None)


@pytest.mark.parametrize(
    ("channel", "contact_id", "reached"),
    [
        (None, None, False),
        ("sms", None, False),
        (None, "sms-1", False),
        ("sms", "sms-1", False),
        ("email", None, True),
        ("sms", "other", True),
    ],
)
def test_a_suppression_bars_what_it_names(channel: str | None, contact_id: str | None, reached: bool) -> None:
    suppression = Suppression(1, channel, contact_id, "opt_out")  # type: ignore[arg-type]  # parametrize widens Literal
    account = an_account(suppressions=[suppression])
    if reached:
        assert choose_contact(account, "sms", None).id == "sms-1"
    else:
        with pytest.raises(Undraftable):
            choose_contact(account, "sms", None)


def test_an_empty_file_is_told_from_unwilling_contacts() -> None:
    with pytest.raises(Undraftable, match="missing from the file"):
        choose_contact(an_account(contacts=[]), "email", None)


def test_a_customer_who_must_not_be_contacted_is_not() -> None:
    with pytest.raises(Undraftable, match="must not be contacted"):
        choose_contact(an_account(customer={"do_not_contact": True}), "sms", None)


def test_a_reply_goes_to_who_wrote_even_opted_out() -> None:
    """The one confirmation of an opt-out has to get there; whether a reply may leave is the policy's to say."""
    wrote = a_contact(id="wrote", role="site", opted_out_at=NOW)
    assert choose_contact(an_account(contacts=[a_contact(), wrote]), "sms", "wrote").id == "wrote"


@pytest.mark.parametrize(
    ("contact_id", "answer"), [("email-1", "answer by email"), ("stranger", "did not come from")]
)
def test_a_reply_cannot_be_turned_elsewhere(contact_id: str, answer: str) -> None:
    with pytest.raises(Undraftable, match=answer):
        choose_contact(an_account(), "sms", contact_id)
