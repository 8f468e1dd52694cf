"""Money: integer minor units and an ISO 4217 currency. Never a float."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Self

from babel import Locale
from babel.core import get_global
from babel.numbers import format_currency, get_currency_precision
from typing_extensions import override

from tools.errors import Invalid


class NotMoney(Invalid):
    """The text is no amount of that currency."""


def is_currency(code: str) -> bool:
    """Whether `code` is a currency that CLDR knows (ISO 4217, upper case)."""
    return code in get_global("all_currencies")


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in minor units (cents, yen) of one currency. Arithmetic across currencies raises."""

    minor: int
    currency: str

    @classmethod
    def of(cls, amount: str | Decimal, currency: str) -> Self:
        """Parse a plain decimal such as "12.30"; more decimals than the currency has is an error.

        Raises NotMoney for text that is no finite number, for a surplus of decimals, and for an unknown currency.
        """
        if not is_currency(currency):
            raise NotMoney(f"{currency!r} is not a currency.")
        try:
            scaled = Decimal(amount).scaleb(get_currency_precision(currency))
        except InvalidOperation:
            raise NotMoney(f"{amount!r} is not an amount.") from None
        if not scaled.is_finite() or scaled != scaled.to_integral_value():
            raise NotMoney(f"{amount!r} is not an amount of {currency}.")
        return cls(int(scaled), currency)

    @property
    def decimal(self) -> Decimal:
        """The amount in major units, exactly."""
        return Decimal(self.minor).scaleb(-get_currency_precision(self.currency))

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise NotMoney(f"{self.currency} and {other.currency} do not add up.")

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __le__(self, other: "Money") -> bool:
        self._same(other)
        return self.minor <= other.minor

    def __lt__(self, other: "Money") -> bool:
        self._same(other)
        return self.minor < other.minor

    def instalments(self, count: int) -> "list[Money]":
        """`count` parts that add up to the whole exactly; the remainder is on the last (ledgers.md 3).

        Raises NotMoney when there are fewer minor units than parts.
        """
        part, remainder = divmod(self.minor, count)
        if part <= 0:
            raise NotMoney(f"{self} cannot be paid in {count} parts.")
        return [Money(part, self.currency)] * (count - 1) + [Money(part + remainder, self.currency)]

    def format(self, language: str = "en") -> str:
        """As a customer reads it: "$1,250.00" in English, "USD 1,250.00" style by CLDR otherwise."""
        return _written(self, language)

    @override
    def __str__(self) -> str:
        return f"{self.decimal} {self.currency}"


@lru_cache(maxsize=4096)  # a message names an amount several times, and the checks read it again
def _written(money: Money, language: str) -> str:
    locale = Locale.parse({"en": "en_US", "es": "es_US"}.get(language, language))
    return format_currency(money.decimal, money.currency, locale=locale)
