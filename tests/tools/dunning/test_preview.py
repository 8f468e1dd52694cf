"""What others can read over the customer's shoulder says nothing of a debt."""

import pytest

from tests.tools.dunning.accounts import drafted
from tools.dunning.preview import telling
from tools.dunning.templates import LANGUAGES, templates


@pytest.mark.parametrize(
    "text",
    [
        "$312.50 is open", "You owe us", "Your overdue invoice", "Past due", "About your debt", "Second reminder", "Outstanding balance", "Late",
        "Pago pendiente", "Su deuda", "Saldo", "Factura vencida", "Invoice 1042", "Día 3", "€ soon", "OVERDUE", "ov\u200berdue", "Unpaid", "Cobranza",
    ],
)  # fmt: skip
def test_a_telling_subject_or_beginning_is_found(text: str) -> None:
    assert telling(text, "Hello")
    assert telling(None, text)


def test_only_the_beginning_of_a_text_message_is_shown_and_only_the_subject_of_an_email() -> None:
    assert not telling(None, "Hello, this is Juniper Home Services. You owe $312.50.")
    assert not telling("A note from Juniper", "You owe $312.50.")


@pytest.mark.parametrize("name", sorted(templates()))
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_reviewed_template_that_we_begin_with_is_telling(name: str, language: str) -> None:
    template = templates()[name]
    for channel in template.channels:
        begun = template.purpose in ("reminder", "early_notice", "formal_notice", "plan_offer")
        if channel == "email" or begun:
            assert not list(drafted(template, channel, language).telling), channel
