"""The mapping file: which column of whose file is which field of ours.

A mapping is TOML. Its head names the source system and what holds for all files; each entity then names
its file and its columns. A column is the source's header, or `{ const = "..." }` where the file has none:

    ext_system = "quickbooks"
    currency = "USD"

    [invoices]
    file = "Open invoices.xlsx"
    sheet = "Sheet1"
    date_formats = ["%m/%d/%Y"]
    [invoices.columns]
    number = "Num"
    customer_id = "Customer"
    issue_date = "Date"
    total = "Amount"
    balance = "Open Balance"
    status = "Status"
    [invoices.values.status]
    Overdue = "open"
    Voided = "void"

An entity that comes from several files, or contact points that stand in several columns of one file, is
written as `[[contacts]]` more than once.
"""

import tomllib
from datetime import date, datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Generic, Self, TypeVar

from babel import Locale, UnknownLocaleError
from pydantic import (
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from tools.errors import Invalid
from tools.ledger.importer.columns import (
    Columns,
    ContactColumns,
    CreditColumns,
    CustomerColumns,
    DisputeColumns,
    InvoiceColumns,
    PaymentColumns,
    Strict,
    Text,
)
from tools.money import is_currency

C = TypeVar("C", bound=Columns)


class Where(Strict):
    """Which rows of the file belong here: those whose column is one of the values, or is not empty if none are given."""

    column: Text
    is_one_of: tuple[str, ...] = ()


class Source(Strict, Generic[C]):
    """One file (or sheet) and how to read it."""

    file: Text
    columns: C
    sheet: Text | None = None
    delimiter: Annotated[str, StringConstraints(min_length=1, max_length=1)] = ","
    optional: bool = False  # the file may be missing
    distinct: bool = (
        False  # rows repeat the same entity (customers read from an invoice file): the first counts
    )
    where: Where | None = None
    date_formats: tuple[Text, ...] | None = None
    values: dict[str, dict[str, str]] = Field(
        default_factory=dict
    )  # field -> source value -> ours; compared without regard to case

    @field_validator("file")
    @classmethod
    def _inside_the_folder(cls, file: str) -> str:
        # A mapping may arrive over HTTP: it must not name files outside the folder that came with it.
        path = PurePosixPath(file.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in file:
            raise ValueError("a file is named relative to the folder, without '..'")
        if len(file) > 200:
            raise ValueError("a file's name has at most 200 characters")
        return file

    @field_validator("date_formats")
    @classmethod
    def _formats_can_be_read(cls, formats: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return _readable(formats) if formats else formats

    @model_validator(mode="after")
    def _values_are_ours(self) -> Self:
        for field, values in self.values.items():
            if field not in type(self.columns).model_fields:
                raise ValueError(f"values for {field!r}, which is no field here")
            allowed = self.columns.choices.get(field)
            wrong = sorted(set(values.values()) - allowed) if allowed else []
            if wrong and allowed:
                raise ValueError(f"{field} cannot be {wrong[0]!r}; it is one of {', '.join(sorted(allowed))}")
        return self


def _readable(formats: tuple[str, ...]) -> tuple[str, ...]:
    day = date(2026, 11, 17)
    for form in formats:
        try:
            read = datetime.strptime(day.strftime(form), form).date()  # noqa: DTZ007 - only the day is looked at
        except ValueError:
            raise ValueError(f"{form!r} is no date format") from None
        if read != day:
            raise ValueError(f"the date format {form!r} loses the day, the month or the year")
    return formats


def _as_list(value: object) -> object:
    return [value] if isinstance(value, dict) else value


# A list of one is written as a plain table.
Customers = Annotated[tuple[Source[CustomerColumns], ...], BeforeValidator(_as_list)]
Contacts = Annotated[tuple[Source[ContactColumns], ...], BeforeValidator(_as_list)]
Invoices = Annotated[tuple[Source[InvoiceColumns], ...], BeforeValidator(_as_list)]
Payments = Annotated[tuple[Source[PaymentColumns], ...], BeforeValidator(_as_list)]
Credits = Annotated[tuple[Source[CreditColumns], ...], BeforeValidator(_as_list)]
Disputes = Annotated[tuple[Source[DisputeColumns], ...], BeforeValidator(_as_list)]


class Mapping(Strict):
    """A whole mapping file."""

    ext_system: Text
    currency: Text
    date_formats: Annotated[tuple[Text, ...], Field(min_length=1)] = ("%Y-%m-%d",)
    number_locale: Text = "en_US"  # how amounts are written: "en_US" 1,234.56 - "de_DE" 1.234,56
    phone_region: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] = "US"
    customers: Customers = ()
    contacts: Contacts = ()
    invoices: Invoices = ()
    payments: Payments = ()
    credits: Credits = ()
    disputes: Disputes = ()

    @field_validator("date_formats")
    @classmethod
    def _formats_can_be_read(cls, formats: tuple[str, ...]) -> tuple[str, ...]:
        return _readable(formats)

    @field_validator("currency")
    @classmethod
    def _is_money(cls, code: str) -> str:
        if not is_currency(code):
            raise ValueError(f"{code!r} is no currency")
        return code

    @field_validator("number_locale")
    @classmethod
    def _is_locale(cls, name: str) -> str:
        try:
            Locale.parse(name)
        except (UnknownLocaleError, ValueError):
            raise ValueError(f"{name!r} is no locale; try en_US or de_DE") from None
        return name

    @classmethod
    def parse(cls, text: str, *, name: str = "the mapping") -> Self:
        """Read a mapping from TOML. Raises Invalid with one sentence that says where it is wrong."""
        try:
            content: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise Invalid(f"{name} is no TOML: {error}.") from error
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"] if part not in (0, "str", "Const"))
            raise Invalid(f"{name} is wrong at {where or 'the top'}: {first['msg']}.") from error

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a mapping file. Raises Invalid when there is none, or when it is wrong."""
        try:
            text = path.read_text("utf-8")
        except FileNotFoundError:
            raise Invalid(f"There is no mapping file {path}.") from None
        except (OSError, UnicodeDecodeError) as error:
            raise Invalid(f"The mapping file {path} cannot be read: {error}.") from error
        return cls.parse(text, name=f"The mapping {path.name}")
