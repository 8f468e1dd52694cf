"""The sample ledger with everything in its notes that may stand nowhere else, and the scan that finds it again.

Looked for are full names, surnames, phone numbers, e-mail addresses, streets and card-like numbers, each in the forms in
which it may be written. No surname is an ordinary word, so a hit is a leak.
"""

import csv
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

SAMPLE = Path(__file__).parents[3] / "tools" / "ledger" / "sample"
_STREETS = ("Wrenfield Lane", "Quillmoor Avenue", "Thistledown Road", "N. Ottersby St", "Kestrelgate Blvd")


@dataclass(frozen=True)
class Person:
    """A customer's person as the ledger knows them, and what their notes say of them."""

    customer_id: str
    name: str
    phone: str
    email: str
    street: str
    card: str

    @property
    def note(self) -> str:
        """What a technician writes down."""
        return f"Ask for {self.name}, {self.street}, {self.phone} or {self.email}, card {self.card}."


def people() -> dict[str, Person]:
    """One for each customer of the sample ledger, by customer."""
    found: dict[str, Person] = {}
    with (SAMPLE / "contacts.csv").open(encoding="utf-8", newline="") as rows:
        for number, row in enumerate(csv.DictReader(rows)):
            customer, phone = row["Customer ID"], row["Address"]
            if customer not in found:
                surname = row["Name"].split()[-1].lower()
                found[customer] = Person(
                    customer, row["Name"], phone if phone.startswith("+") else f"+131255507{number % 100:02}",
                    phone if "@" in phone else f"{surname}@private.example",
                    f"{100 + number} {_STREETS[number % len(_STREETS)]}", f"4111 1111 1111 {1000 + number}",
                )  # fmt: skip
    return found


def write(folder: Path) -> Path:
    """The sample ledger in `folder`, with a note on every invoice of whoever has a person."""
    ledger = folder / "ledger"
    shutil.copytree(SAMPLE, ledger, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    known = people()
    with (SAMPLE / "invoices.csv").open(encoding="utf-8", newline="") as rows:
        invoices = list(csv.DictReader(rows))
    for invoice in invoices:
        person = known.get(invoice["Customer ID"])
        invoice["Job Notes"] = person.note if person else invoice["Job Notes"]
    with (ledger / "invoices.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(invoices[0]))
        writer.writeheader()
        writer.writerows(invoices)
    return ledger


def secrets() -> dict[str, set[str]]:
    """What may stand nowhere but in our tables, by kind, folded as `fold` folds a text."""
    found: dict[str, set[str]] = {
        kind: set() for kind in ("full name", "surname", "phone", "email", "street", "card")
    }
    with (SAMPLE / "contacts.csv").open(encoding="utf-8", newline="") as rows:
        contacts = list(csv.DictReader(rows))
    with (SAMPLE / "customers.csv").open(encoding="utf-8", newline="") as rows:
        customers = list(csv.DictReader(rows))
    for name in {row["Name"] for row in contacts} | {
        row["Name"] for row in customers if row["Type"] == "consumer"
    }:
        found["full name"].add(name)
        found["surname"].add(name.split()[-1])
    found["full name"] |= {row["Name"] for row in customers}
    for person in people().values():
        for kind, value in (
            ("phone", person.phone),
            ("email", person.email),
            ("street", person.street),
            ("card", person.card),
        ):
            found[kind].add(value)
        found["street"].add(person.street.split(" ", 1)[1])
    for row in contacts:
        found["phone" if row["Address"].startswith("+") else "email"].add(row["Address"])
    return {kind: {fold(value) for value in values} for kind, values in found.items()} | {
        "phone": {re.sub(r"\D", "", value)[-10:] for value in found["phone"]},
        "card": {re.sub(r"\D", "", value) for value in found["card"]},
    }


def fold(text: str) -> str:
    """A text as it is compared: without case and runs of blanks."""
    return " ".join(text.casefold().split())


_BETWEEN_DIGITS = re.compile(r"(?<=\d)[ ().-]{1,3}(?=\d)")


def leaks(told: str | bytes) -> list[tuple[str, str]]:
    """What of it is in a text, or in bytes as they are: its kind, and itself."""
    text = fold(told.decode("utf-8", "replace") if isinstance(told, bytes) else told)
    numbers = text + _BETWEEN_DIGITS.sub("", text)
    return [
        (kind, secret)
        for kind, wanted in _SECRETS.items()
        for secret in wanted
        if secret in (numbers if kind in ("phone", "card") else text)
    ]


def found_in(places: Mapping[str, Iterable[str | bytes]]) -> dict[str, list[tuple[str, str]]]:
    """What leaked, by place; nothing is the answer that is wanted."""
    joined = {
        place: b"\n".join(part if isinstance(part, bytes) else part.encode() for part in set(told))
        for place, told in places.items()
    }
    return {place: hits for place, told in joined.items() if (hits := sorted(leaks(told)))}


_SECRETS = secrets()
