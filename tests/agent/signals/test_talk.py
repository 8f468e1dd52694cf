"""What is said besides business: the language, the question who writes, and courtesy that wants no answer."""

import pytest

from agent.signals.language import written_in
from agent.signals.talk import asks_who_writes, is_courtesy


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("ill pay fri, thx", "en"), ("how much do i owe", "en"), ("le pago el viernes", "es"), ("numero equivocado", "es"), ("¿cuánto debo?", "es"),
        ("Hola, can you send me the invoice", "en"), ("Thanks, Luis Hernandez de la Cruz", "en"), ("👍", None), ("asdf", None), ("", None),
        ("Je ne comprends pas", "other"), ("Ich zahle am Freitag", "other"), ("vou pagar na sexta feira", "other"), ("Quanto devo?", "other"),
        ("我星期五付款", "other"), ("я заплачу в пятницу", "other"),
    ],
)  # fmt: skip
def test_the_language_of_a_message(text: str, language: str | None) -> None:
    assert written_in(text) == language


@pytest.mark.parametrize("text", ["are you a bot?", "r u a real person", "who is this", "¿es usted un robot?", "Am I talking to a machine? I'll pay Friday"])  # fmt: skip
def test_a_question_who_writes_is_heard(text: str) -> None:
    assert asks_who_writes(text)


@pytest.mark.parametrize("text", ["how much do I owe?", "the ai unit leaks", "my computer broke down", "> are you a bot?\nno idea"])  # fmt: skip
def test_other_questions_are_not_taken_for_it(text: str) -> None:
    assert not asks_who_writes(text)


@pytest.mark.parametrize("text", ["ok thanks", "thx bye", "👍", "🙏", "ok", "Thank you so much for your help!", "gracias, muy amable", "have a blessed day"])  # fmt: skip
def test_courtesy_wants_no_answer(text: str) -> None:
    assert is_courtesy(text)


@pytest.mark.parametrize("text", ["yes", "si", "no", "thanks, how much do I owe", "ok I'll pay friday", "thanks but the sink leaks", "ok stop", "", "asdf", "gracias, ya pague"])  # fmt: skip
def test_what_says_more_than_courtesy_is_answered(text: str) -> None:
    assert not is_courtesy(text)
