"""Readability is arithmetic: syllables as they are spoken, and the two formulas as they were published."""

import pytest

from evals.drafting.readability import Reading, reading

# Syllables by a dictionary (English) and by the rules of the language (Spanish).
_EN = {
    "the": 1, "paid": 1, "notes": 1, "stopped": 1, "noted": 2, "balance": 2, "invoice": 2, "messages": 3, "payment": 2, "received": 2,
    "automated": 4, "assistant": 3, "little": 2, "please": 1, "invoices": 3, "don't": 1, "question": 2,
}  # fmt: skip
_ES = {
    "que": 1, "pago": 2, "responderá": 4, "días": 2, "cuenta": 2, "leerá": 3, "hay": 1, "y": 1, "guía": 2, "muy": 1, "ciudad": 2, "según": 2,
    "recordatorios": 5, "idea": 3, "vergüenza": 3, "aquí": 2,
}  # fmt: skip


@pytest.mark.parametrize(
    ("word", "spoken", "language"),
    [*((w, n, "en") for w, n in _EN.items()), *((w, n, "es") for w, n in _ES.items())],
)
def test_syllables_are_counted_as_they_are_spoken(word: str, spoken: int, language: str) -> None:
    assert reading(word, language).syllables == spoken


def test_sentences_end_at_a_stop_or_a_line_and_not_inside_a_figure_or_a_link() -> None:
    found = reading("You owe $1,250.00 on INV-7. Pay here: https://pay.example/a.b?c=d\n\nThank you", "en")
    assert (found.sentences, found.words) == (4, 10)


def test_the_formulas_are_the_published_ones() -> None:
    assert Reading(words=100, sentences=5, syllables=150).grade == pytest.approx(
        0.39 * 20 + 11.8 * 1.5 - 15.59
    )
    assert Reading(words=100, sentences=5, syllables=200).ease == pytest.approx(206.84 - 120 - 20.4)


def test_plain_words_are_easier_than_legal_ones() -> None:
    plain = reading("We have not yet had your payment. Please tell us if something is wrong.", "en")
    legal = reading(
        "Notwithstanding any obligations previously communicated, remittance of outstanding liabilities is requested.",
        "en",
    )
    assert plain.grade < 6
    assert legal.grade > 15
