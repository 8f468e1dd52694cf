"""Only a signature of the From domain, or of one above it, vouches for a mail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.channels.mail.authentic import authentic, dkim_verdicts
from tools.channels.mail.model import Address


@pytest.mark.parametrize(
    ("sender", "field", "verdict"),
    [
        ("ana@example.com", "{@example.com : pass}", "pass"),
        ("ana@Mail.Example.com", "{@example.com : pass}", "pass"),
        ("ana@example.com", "{@example.com : pass, @esp.example : pass}", "pass"),
        ("ana@example.com", "{@example.com : fail}", "fail"),
        ("ana@example.com", "{@example.com : fail, @esp.example : pass}", "fail"),
        ("ana@example.com", "{@example.com : pass, @example.com : fail}", "fail"),
        # one forged signature whose name is written to look like two
        ("ana@example.com", "{@example.com : pass, @evil.example : fail}", "none"),
        ("ana@example.com", "{@evil.example : pass}", "none"),
        ("ana@example.com", "{@notexample.com : pass}", "none"),
        ("ana@example.com", "{@evil.example.com : pass}", "none"),
        ("ana@example.com", "{@com : pass}", "none"),
        ("ana@example.com", "none", "none"),
        ("ana@example.com", "", "none"),
        ("ana@example.com", "{@example.com : pass} and more", "none"),
        ("ana@example.com", "@example.com pass", "none"),
    ],
)
def test_who_vouches_for_a_from_address(sender: str, field: str, verdict: str) -> None:
    assert authentic(Address(sender), dkim_verdicts(field)) == verdict


def test_nobody_vouches_for_a_mail_without_one_sender() -> None:
    assert authentic(None, dkim_verdicts("{@example.com : pass}")) == "none"


@given(st.text(max_size=60) | st.text("{}@:., abcpsl", max_size=60))
def test_no_field_without_the_name_of_the_domain_vouches(field: str) -> None:
    assert authentic(Address("ana@bank.example"), dkim_verdicts(field)) == "none"
