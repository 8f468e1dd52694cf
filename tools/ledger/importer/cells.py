"""One cell, read as what its field is: text, a choice, a day, an instant, an amount, a yes or no.

No message here quotes the cell: it goes into the stored report, and a shifted column may hold a name.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from babel.numbers import NumberFormatError, parse_decimal
from email_validator import EmailNotValidError, validate_email

from tools.errors import Invalid
from tools.ledger.importer.columns import Columns, Const
from tools.ledger.importer.mapping import Mapping, Source
from tools.ledger.importer.reader import Row
from tools.money import Money, NotMoney, is_currency

# Digits, grouping and decimal signs only: "1e9", "1_000" and "NaN" would be numbers to Decimal.
_AMOUNT = re.compile(r"[+-]?[\d.,'’ \u00a0\u202f]*\d[\d.,'’ \u00a0\u202f]*")
_SYMBOL = re.compile(r"^([+-]?)\s*[$€£]\s*|\s*[$€£]$")
_LARGEST = 10**15  # minor units: no invoice is ten trillion, and bigint stays far away
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_FLAGS = {"": False, "no": False, "n": False, "false": False, "0": False}
_FLAGS |= {"yes": True, "y": True, "true": True, "1": True, "x": True}


class BadCell(Invalid):
    """A cell is not what its field needs; names the source's column."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(f"{column}: {reason}")
        self.column, self.reason = column, reason


@dataclass(frozen=True)
class Cells:
    """A row seen through its mapping. Each method reads one canonical field, or raises BadCell."""

    row: Row
    source: Source[Any]
    mapping: Mapping

    @property
    def _columns(self) -> Columns:
        columns: Columns = self.source.columns
        return columns

    @cached_property
    def _formats(self) -> tuple[str, ...]:
        return self.source.date_formats or self.mapping.date_formats

    def column(self, field: str) -> str:
        """What a rejection calls the field: the source's header, or our name for a constant."""
        column = getattr(self._columns, field)
        return column if isinstance(column, str) else field

    def bad(self, field: str, reason: str) -> BadCell:
        """The error for this field's cell."""
        return BadCell(self.column(field), reason)

    def has(self, field: str) -> bool:
        """Whether the mapping names a column (or a constant) for the field."""
        return getattr(self._columns, field) is not None

    def _mapped(self, field: str) -> tuple[str, bool]:
        """The text in our terms, and whether the mapping names this very value."""
        column = getattr(self._columns, field)
        raw = "" if column is None else column.const if isinstance(column, Const) else self.row.cells[column]
        for theirs, ours in self.source.values.get(field, {}).items():
            if theirs.strip().casefold() == raw.casefold():
                return ours, True
        return raw, False

    def text(self, field: str) -> str | None:
        """The text, None when empty."""
        return self._mapped(field)[0] or None

    def needed(self, field: str) -> str:
        """The text, which must be there."""
        text = self.text(field)
        if text is None:
            raise self.bad(field, "it is empty")
        return text

    def choice(self, field: str, *, default: str, unknown: str | None = None) -> str:
        """One of the field's values; `default` where there is none, `unknown` (or BadCell) for any other text."""
        text, named = self._mapped(field)
        if not self.has(field) or (not text and not named):
            return default
        ours = text if named else text.lower().replace(" ", "_").replace("-", "_")
        if ours in self._columns.choices[field]:
            return ours
        if unknown is None:
            raise self.bad(field, "the mapping does not know this value")
        return unknown

    def flag(self, field: str) -> bool:
        """Yes or no; empty is no."""
        text = self._mapped(field)[0].casefold()
        if text not in _FLAGS:
            raise self.bad(field, "it is neither yes nor no")
        return _FLAGS[text]

    def number(self, field: str) -> int | None:
        """A whole number of days, at most four digits."""
        text = self.text(field)
        if text is None:
            return None
        if not re.fullmatch(r"\d{1,4}", text):
            raise self.bad(field, "it is no whole number of days")
        return int(text)

    def day(self, field: str) -> date | None:
        """A day in one of the mapping's formats, or as YYYY-MM-DD (what a spreadsheet's own dates become)."""
        text = self.text(field)
        if text is None:
            return None
        for form in (*self._formats, "%Y-%m-%d"):
            try:
                day = datetime.strptime(text, form).date()  # noqa: DTZ007 - a ledger's dates are days, not instants
            except ValueError:
                continue
            if day.year < 1900 or day.year > 2200:
                raise self.bad(field, "its year cannot be right")
            return day
        raise self.bad(field, f"it is no date as {' or '.join(self._formats)}")

    def needed_day(self, field: str) -> date:
        """The day, which must be there."""
        day = self.day(field)
        if day is None:
            raise self.bad(field, "it is empty")
        return day

    def instant(self, field: str) -> datetime | None:
        """An ISO instant, or a day, which counts from its midnight in UTC."""
        text = self.text(field)
        if text is None:
            return None
        if "T" in text or ":" in text:
            try:
                instant = datetime.fromisoformat(text)
            except ValueError:
                raise self.bad(field, "it is no ISO instant") from None
            return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
        day = self.day(field)
        return None if day is None else datetime(day.year, day.month, day.day, tzinfo=UTC)

    def currency(self) -> str:
        """The row's currency: its own column, or the mapping's."""
        code = (self.text("currency") or self.mapping.currency).upper()
        if not is_currency(code):
            raise self.bad("currency", "it is no known currency")
        return code

    def amount(self, field: str, currency: str) -> int | None:
        """An amount in minor units; None when empty. Parentheses mean minus, as accountants write it."""
        text = self.text(field)
        if text is None:
            return None
        minus = text.startswith("(") and text.endswith(")")
        plain = _SYMBOL.sub(r"\1", text[1:-1].strip() if minus else text)
        try:
            if not _AMOUNT.fullmatch(plain):
                raise self.bad(field, "it is no amount")
            value = parse_decimal(plain, locale=self.mapping.number_locale, strict=True)
            minor = Money.of(value, currency).minor
        except NumberFormatError:
            raise self.bad(field, f"it is no amount as {self.mapping.number_locale} writes it") from None
        except NotMoney:
            raise self.bad(field, f"it has more decimals than {currency}") from None
        if abs(minor) > _LARGEST:
            raise self.bad(field, "it is too large")
        return -minor if minus else minor

    def needed_amount(self, field: str, currency: str) -> int:
        """The amount, which must be there."""
        minor = self.amount(field, currency)
        if minor is None:
            raise self.bad(field, "it is empty")
        return minor

    def time_zone(self, field: str) -> str | None:
        """An IANA time zone."""
        zone = self.text(field)
        try:
            return zone and ZoneInfo(zone).key
        except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of the database is an OSError
            raise self.bad(field, "it is no time zone; America/Chicago is one") from None

    def language(self, field: str) -> str:
        """A language code; English where the source gives none."""
        code = self.text(field) or "en"
        if not _LANGUAGE.fullmatch(code):
            raise self.bad(field, "it is no language code; es is one")
        return code

    def hour(self, field: str) -> str | None:
        """A time of day, HH:MM."""
        text = self.text(field)
        if text is None:
            return None
        text = text[:5] if re.fullmatch(r"\d\d:\d\d:00", text) else text.zfill(5)
        if not _TIME.fullmatch(text):
            raise self.bad(field, "it is no time as HH:MM")
        return text

    def address(self, field: str, channel: str) -> str:
        """A contact address as it is stored: e-mail normalised, telephone numbers in E.164."""
        text = self.needed(field)
        if channel == "email":
            try:
                return validate_email(text, check_deliverability=False).normalized.lower()
            except EmailNotValidError:
                raise self.bad(field, "it is no e-mail address") from None
        if channel in ("sms", "voice"):
            try:
                number = phonenumbers.parse(text, self.mapping.phone_region)
            except phonenumbers.NumberParseException:
                raise self.bad(field, "it is no telephone number") from None
            if not phonenumbers.is_possible_number(number):
                raise self.bad(field, "it is no telephone number")
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        return text
