"""The lines that mail programs put above a quote are known in five languages; what people type is not taken for one."""

import pytest

from tools.channels.mail.said import split_said


@pytest.mark.parametrize(
    "quote",
    [
        "  On Monday, November 2, 2026 at 10:00:00 AM GMT, Acme <a@b.example> wrote:  \n \n Please pay",
        "------- Original Message -------\nOn Monday, November 2nd, 2026 at 10:00 AM, Acme <a@b.example> wrote:\n\n> Please",
        "On 02/11/2026 10:00, Acme wrote:\n> Pay",
        "2026-11-02 10:00 GMT+01:00 Acme <a@b.example>:\n> Pay",
        "> El 2 nov 2026, a las 10:00, Acme <a@b.example> escribió:\n> \n> Pague",
        "Am 02.11.26 um 10:00 schrieb Acme:\n> Zahlen",
        "Acme <a@b.example> schrieb am Mo. 2. Nov. 2026 um 10:00:\n> Zahlen",
        "Le 02/11/2026 à 10:00, Acme a écrit :\n> Payez",
        "Em seg., 2 de nov. de 2026 às 10:00, Acme <\na@b.example> escreveu:\n\n> Pague",
        "*From:* Acme\n*Sent:* Monday\n*To:* Ana\n*Subject:* x\nPay",
        "De: Acme\nEnviado el: lunes\nPara: Ana\nAsunto: x\nPague",
        "De: Acme\nEnviada em: segunda\nPara: Ana\nAssunto: x\nPague",
        "De : Acme <a@b.example>\nEnvoyé : lundi\nÀ : Ana\nObjet : x\n\nPayez",
    ],
)
def test_a_quote_and_the_line_above_it_are_not_theirs(quote: str) -> None:
    assert split_said(f"STOP\n\n{quote}\n") == ("STOP", False, False)


@pytest.mark.parametrize(
    "text",
    [
        "From: my side it is fine.\nI pay.",
        "El lunes pago: 50 EUR",
        "De: nada",
        "On Friday: 50 EUR",
        "Best regards to your boss.\nI pay Friday.",
        "Gesendet von der Bank, Freitag da",
        "5 < 6 > 4 and I pay",
    ],
)
def test_what_people_type_stays(text: str) -> None:
    assert split_said(text) == (text, False, False)
