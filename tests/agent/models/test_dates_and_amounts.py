"""What the offline model reads as dates and sums, on Tuesday 17 November 2026."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.models.offline.amounts import find_amounts
from agent.models.offline.dates import find_dates, told_dates

TODAY = date(2026, 11, 17)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Friday", "11-20"), ("on friday", "11-20"), ("this Friday", "11-20"), ("next Friday", "11-27"), ("by Monday", "11-23"),
        ("tomorrow", "11-18"), ("tmrw", "11-18"), ("2moro", "11-18"), ("day after tomorrow", "11-19"), ("today", "11-17"), ("tonight", "11-17"),
        ("on the 20th", "11-20"), ("on the 4th", "12-04"), ("by the 15 ", "12-15"), ("the 2nd of next month", "12-02"), ("the first of the month", "12-01"),
        ("Nov 25", "11-25"), ("25 November", "11-25"), ("Dec 1st, 2026", "12-01"), ("december the 3rd", "12-03"), ("11/25", "11-25"), ("2026-12-01", "12-01"),
        ("in two weeks", "12-01"), ("in 10 days", "11-27"), ("in a couple of days", "11-19"), ("in a month", "12-17"), ("within 5 days", "11-22"),
        ("end of the month", "11-30"), ("end of next month", "12-31"), ("end of this week", "11-20"), ("by sat", "11-21"), ("thurs", "11-19"),
        ("this Friday the 20th", "11-20"), ("Tues Nov 24", "11-24"), ("Friday the 27th", "11-27"), ("viernes 20", "11-20"), ("mañana 18", "11-18"),
        ("monday 11/23", "11-23"), ("end of next week", "11-27"), ("Friday, that same day", "11-20"),
        ("mañana", "11-18"), ("pasado mañana", "11-19"), ("hoy mismo", "11-17"), ("el viernes", "11-20"), ("el próximo viernes", "11-20"), ("el lunes que viene", "11-23"),
        ("el 4 de diciembre", "12-04"), ("el 20", "11-20"), ("para el 5", "12-05"), ("en dos semanas", "12-01"), ("en 3 días", "11-20"), ("a fin de mes", "11-30"),
    ],
)  # fmt: skip
def test_a_certain_day(text: str, day: str) -> None:
    assert [found.on for found in find_dates(f"I will pay {text}, ok", TODAY)] == [
        date.fromisoformat(f"2026-{day}")
    ]


@pytest.mark.parametrize(
    "text",
    ["payday", "when I get paid", "next week", "soon", "later", "this weekend", "25/11", "4/12", "Tuesday", "the 17th", "the 31st", "11/31", "Nov 10",
     "2026-11-16", "a few days", "when my refund comes", "la próxima semana", "pronto", "la quincena", "cuando me paguen", "fin de semana", "mid month",
     "Friday the 21st", "lunes 16", "viernes 21", "mañana 19"],
)  # fmt: skip
def test_a_time_that_is_no_certain_day(text: str) -> None:
    """Vague, past or ambiguous: something was said about time, and the customer is asked."""
    found = find_dates(f"I can pay {text} ok", TODAY)
    assert found
    assert {one.on for one in found} == {None}


@pytest.mark.parametrize(
    "text",
    ["I may pay", "we will see", "sat with my son", "3 of the 5 invoices", "last Friday", "el viernes pasado", "por la mañana", "on Fridays", "INV-2026-11",
     "it is $25/11 units", "the first invoice", "march on", "since Friday", "every other friday", "toda la mañana", "call 555-0100", "sunny", "the second floor"],
)  # fmt: skip
def test_no_time_at_all(text: str) -> None:
    assert find_dates(text, TODAY) == []


@given(st.text(max_size=200), st.dates(date(2000, 1, 1), date(2090, 12, 31)))
def test_a_day_that_is_found_is_never_past(text: str, today: date) -> None:
    for found in find_dates(text, today):
        assert found.on is None or found.on >= today
        assert 0 <= found.start < found.end <= len(text)


@given(st.dates(date(2020, 1, 1), date(2060, 12, 31)), st.integers(0, 299))
def test_a_day_written_out_is_read_back(today: date, ahead: int) -> None:
    day = date.fromordinal(today.toordinal() + ahead)
    for text in (f"{day:%B} {day.day}", f"{day.day} {day:%B}", f"{day:%b} {day.day}", day.isoformat()):
        assert [found.on for found in find_dates(f"I will pay {text}", today)] == [day]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("$250", "250"), ("250 bucks", "250"), ("$1,250.50", "1250.50"), ("1.250,00", "1250.00"), ("1250", "1250"), ("2k", "2000"), ("€ 90", "90"),
        ("500 pesos", "500"), ("200 dollars", "200"), ("3 payments of $50", "50"), ("INV-1042 $90", "90"), ("call 555-0100", ""), ("at 5:30", ""),
        ("100 days", ""), ("all of it", "all"), ("in full", "all"), ("todo", "all"), ("the rest", "rest"), ("lo demás", "rest"), ("half", "half"),
        ("la mitad", "half"), ("what I can", "unclear"), ("two hundred", "200"), ("a couple hundred", "unclear"), ("50%", "unclear"), ("$1.250", "unclear"), ("$12.345,6,7", "unclear"),
        ("$0", "unclear"), ("$100 and $50.25", "100 50.25"), ("half now, the other half friday", "half rest"), ("la mitad hoy y la otra mitad luego", "half rest"), ("at 8am", ""), ("apt 12b", ""),
        ("a hundred dollars", "100"), ("eighty dollars", "80"), ("doscientos cincuenta", "250"), ("two grand", "2000"), ("two payments", ""), ("ten minutes", ""),
        ("the remaining 275", "275"), ("325 completitos", "325"), ("every dime of it", "all"), ("the same amount", "same"), ("146.75 of it", "146.75"),
        ("3 of the 5", "5"), ("lot 14", ""), ("a las 8", ""),
    ],
)  # fmt: skip
def test_sums(text: str, found: str) -> None:
    amounts = find_amounts(text, "USD", numbers=["INV-1042"])
    assert " ".join(amount.kind if amount.value is None else str(amount.value) for amount in amounts) == found


def test_a_sum_in_words_without_its_unit_is_what_is_owed() -> None:
    owed = [Decimal("740.00"), Decimal("98.60")]
    for text, value in (
        ("seven-forty", "740.00"),
        ("ninety-eight sixty", "98.60"),
        ("noventa y ocho con sesenta", "98.60"),
    ):
        assert [str(amount.value) for amount in find_amounts(text, "USD", figures=owed)] == [value]
    assert find_amounts("nine-fifty", "USD", figures=owed) == []


def test_a_payday_explains_the_day_that_is_named_and_is_none_itself() -> None:
    said = told_dates("I get paid the 26th, you get it that morning", TODAY)
    assert [(one.on, one.event) for one in said] == [(date(2026, 11, 26), True), (date(2026, 11, 26), False)]
    assert [one.on for one in find_dates("I get paid the 26th", TODAY)] == []


def test_a_date_is_no_sum() -> None:
    text = "I pay 250 on the 4th and 300 by Nov 30"
    values = [amount.value for amount in find_amounts(text, "USD", dates=find_dates(text, TODAY))]
    assert values == [Decimal(250), Decimal(300)]


@given(st.decimals(min_value="0.01", max_value="99999.99", places=2))
def test_a_sum_written_out_is_read_back(value: Decimal) -> None:
    assert [amount.value for amount in find_amounts(f"I pay ${value:,.2f} now", "USD")] == [value]
