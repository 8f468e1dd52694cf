"""Denied wording is found through the simple ways to hide it, and honest wording is not taken for it."""

import pytest

from tests.tools.dunning.accounts import COMPANY, a_call, a_plan, an_account, said
from tools.dunning.render import draft_message
from tools.dunning.wording import denied

DENIED = [
    ("arrest", "You will be arrested."), ("arrest", "a r r e s t"), ("arrest", "A.R.R.E.S.T"), ("arrest", "ar-rest"),
    ("arrest", "arr\u200best"), ("arrest", "аrrest"), ("arrest", "ａｒｒｅｓｔ"), ("arrest", "ARRÈST"), ("arrest", "4rrest"),
    ("arrest", "j4il"), ("arrest", "j a i l"), ("arrest", "p0l1ce"), ("arrest", "La policía irá"), ("arrest", "la cárcel"),
    ("arrest", "arr\nest"), ("arrest", "arr\u00adest"), ("arrest", "a̲r̲r̲e̲s̲t̲"), ("disguise", "jаil"),
    ("legal", "our attorney"), ("legal", "see you in court"), ("legal", "we will sue"), ("legal", "LEGAL action"),
    ("legal", "garnish your wages"), ("legal", "medidas legales"), ("legal", "nuestro abogado"), ("legal", "embargaremos"),
    ("urgency", "Today only!"), ("urgency", "final   notice"), ("urgency", "pay within 24 hours"), ("urgency", "último aviso"),
    ("urgency", "pay this immediately"), ("urgency", "pay $9 or we come"), ("urgency", "URGENTE"), ("urgency", "f i n a l  n o t i c e"), ("impersonation", "I'm Sarah, a real person here"),
    ("shame", "Shame on you"), ("shame", "you deadbeat"), ("shame", "es una vergüenza"),
    ("threat", "there will be consequences"), ("threat", "we know where you live"), ("threat", "iremos a su casa"),
    ("credit_report", "your credit score"), ("credit_report", "turn this over to collections"),
    ("third_party", "we will tell your boss"), ("third_party", "avisar a su familia"),
    ("card_data", "Send your card number"), ("card_data", "the CVV"), ("card_data", "número de tarjeta"), ("card_data", "SSN"),
    ("payee", "pay with gift cards"), ("payee", "by Zelle"), ("invented_charge", "a late fee applies"),
    ("invented_charge", "más intereses"), ("impersonation", "I'm a human"), ("impersonation", "I am not a bot"),
    ("impersonation", "no soy un robot"), ("impersonation", "My name is Sarah"), ("settled", "it is settled in full"),
    ("concession", "half off the balance"), ("concession", "a discount"), ("concession", "we waive it"),
    ("concession", "50% off"), ("concession", "write this off"), ("concession", "un descuento"), ("concession", "a mitad de precio"),
]  # fmt: skip

HONEST = [
    "Thank you, Ana. A member of our team will get back to you. Sin embargo, no hay prisa.",
    "Courtesy of the courtyard crew, Courtney and Sueanne: issue noted, nothing to pursue. Clear restore of the tap.",
    "We repaired the furnace at your home and sent you a copy of the invoice.",
    "Le pedimos disculpas; perdón por la molestia. Hemos detenido los recordatorios.",
    "If a different date suits you better, reply to this message. We close at the end of our round.",
    "I am an automated assistant. You can pay by card on the page behind the link.",
    "Please tell us when, how and how much you paid.",
]


@pytest.mark.parametrize(("rule", "text"), DENIED)
def test_denied_wording_is_found(rule: str, text: str) -> None:
    assert any(hit.startswith(f"{rule}: ") for hit in denied(f"Hello, {text} thanks")), denied(text)
    assert any(hit.startswith(f"{rule}: ") for hit in said(f"Hello, {text} thanks").denied)


@pytest.mark.parametrize("text", HONEST)
def test_honest_wording_is_left_alone(text: str) -> None:
    assert denied(text) == []


def test_a_placeholder_cannot_split_a_word() -> None:
    assert denied("arr\N{BLACK SQUARE}est")
    assert said("We will have you arr{{customer.first_name}}ested").denied


@pytest.mark.parametrize(("total", "allowed"), [(25_000, True), (31_250, False)])
def test_a_concession_may_be_named_only_with_an_approved_offer_that_makes_it(
    total: int, allowed: bool
) -> None:
    """A plan below the balance is a discount that somebody approved; a plan over the whole balance is none."""
    account = an_account(plans=[a_plan(total_minor=total)])
    call = a_call(body="We can offer a discount: {{plan.total}} in all.", offer="plan-1")
    draft = draft_message(call, account, COMPANY, first_contact=False, reply_contact_id=None)
    assert bool(draft.denied) != allowed
    assert denied("a discount or jail", conceded=True)
