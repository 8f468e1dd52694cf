"""Streets with their house numbers are hidden from the model; amounts and days are not."""

import pytest

from tools.memory.pseudonyms import without_addresses


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Ask at 100 Wrenfield Lane, please.", "Ask at [address], please."),
        ("103 N. Ottersby St", "[address]"),
        ("We moved to 12 wrenfield lane.", "We moved to [address]."),
        ("4400 NW 23rd Ave apt 5", "[address] apt 5"),
        ("Vivo en Calle Mayor 12.", "Vivo en [address]."),
        ("Vivo en la calle de la Luna nº 14.", "Vivo en la [address]."),
    ],
)
def test_a_street_is_replaced(said: str, told: str) -> None:
    assert without_addresses(said) == told


@pytest.mark.parametrize(
    "said",
    [
        "I paid 200 down the road.",
        "I can pay 300 Friday and 200 next Friday. Dr. Ruiz pays 500 on March 5.",
        "I pay 3 January. Court date is set.",
        "Invoice 20001, drain cleaning, 200 USD Court.",
        "Puedo pagar 300 en la avenida.",
        "About 20003 and 20004: 566.00, not 441.50!",
    ],
)
def test_an_amount_is_no_street(said: str) -> None:
    assert without_addresses(said) == said
