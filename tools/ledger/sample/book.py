"""The books of an invented home-service company, as its accounting system would export them."""

import csv
import io
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

TODAY = date(2026, 11, 17)  # a Tuesday; the demo freezes the clock on it
_SEED = 20261117

# State -> area code of its invented numbers (555-01xx, which no exchange assigns) and its time zone.
PLACES = {
    "IL": ("312", "America/Chicago"),
    "WI": ("414", "America/Chicago"),
    "IN": ("317", "America/Indiana/Indianapolis"),
    "MI": ("313", "America/Detroit"),
    "TX": ("214", "America/Chicago"),
    "CO": ("303", "America/Denver"),
    "AZ": ("602", "America/Phoenix"),
    "NY": ("212", "America/New_York"),
    "CA": ("415", "America/Los_Angeles"),
}
JOBS = (
    "Furnace tune-up",
    "Water heater replacement",
    "Panel upgrade",
    "Drain cleaning",
    "Heat pump service call",
    "Sump pump installation",
    "Duct sealing",
    "Thermostat replacement",
    "Leak repair, second bathroom",
    "Outlet and switch repair",
)
HEADERS = {
    "customers.csv": "Customer ID,Name,Type,Parent,Segment,Owner,State,Time Zone,Language,Terms,Credit Limit,Status,"
    "Do Not Contact,Account Hold",
    "contacts.csv": "Contact ID,Customer ID,Role,Name,Channel,Address,Verified On,Consent,Consent Source,"
    "Opted Out On,Hours From,Hours To",
    "invoices.csv": "Invoice ID,Invoice No,Customer ID,Job,Job State,Job Notes,Issued,Due,Terms,Total,Tax,Balance,"
    "Status,Sent On,Payment Link",
    "payments.csv": "Payment ID,Customer ID,Invoice,Paid On,Amount,Applied,Method,Reference,Status",
    "credits.csv": "Credit ID,Credit No,Customer ID,Invoice,Issued,Amount,Applied",
    "disputes.csv": "Dispute ID,Customer ID,Invoice,Reason,Amount,State,Opened On,Closed On,Outcome",
}


def money(cents: int) -> str:
    """As the export writes it: 1,250.00."""
    return f"{cents // 100:,}.{cents % 100:02d}"


def day(when: date | None) -> str:
    """As the export writes it: 11/17/2026."""
    return when.strftime("%m/%d/%Y") if when else ""


@dataclass
class Book:
    """Collects rows; every method adds what it says and returns the id that others refer to."""

    random: Random = field(default_factory=lambda: Random(_SEED))  # noqa: S311 - sample data, the same on every run
    rows: dict[str, list[dict[str, str]]] = field(default_factory=lambda: {name: [] for name in HEADERS})
    phones: dict[str, int] = field(default_factory=dict)

    def _add(self, name: str, /, **values: str) -> dict[str, str]:
        columns = HEADERS[name].split(",")
        row = {column: values.get(_key(column), "") for column in columns}
        self.rows[name].append(row)
        return row

    def customer(
        self,
        name: str,
        *,
        segment: str = "residential",
        kind: str = "consumer",
        state: str = "IL",
        owner: str = "dana",
        language: str = "en",
        terms: int | None = 30,
        **more: str,
    ) -> str:
        """A customer; ids count from C-1001."""
        identity = f"C-{1001 + len(self.rows['customers.csv'])}"
        more.setdefault("status", "Active")
        more.setdefault("do_not_contact", "No")
        more.setdefault("time_zone", PLACES[state][1])
        self._add(
            "customers.csv",
            customer_id=identity,
            name=name,
            type=kind,
            segment=segment,
            owner=owner,
            state=state,
            language=language,
            terms="" if terms is None else str(terms),
            **more,
        )
        return identity

    def phone(self, state: str) -> str:
        """The next invented number of that state."""
        area = PLACES[state][0]
        number = self.phones.get(area, 0)
        self.phones[area] = number + 1
        return f"+1{area}55501{number:02d}"

    def contact(self, customer: str, person: str, channel: str, address: str, **more: str) -> None:
        """A contact point, verified and consented to unless `more` says otherwise."""
        number = 1 + sum(row["Customer ID"] == customer for row in self.rows["contacts.csv"])
        more.setdefault("role", "billing")
        more.setdefault("verified_on", "03/02/2026")
        more.setdefault("consent", "granted")
        more.setdefault("consent_source", "service agreement")
        self._add(
            "contacts.csv",
            contact_id=f"{customer}-{number}",
            customer_id=customer,
            name=person,
            channel=channel,
            address=address,
            **more,
        )

    def reach(
        self,
        customer: str,
        person: str,
        *,
        by: str = "both",
        state: str = "IL",
        host: str = "example.com",
        **more: str,
    ) -> None:
        """The usual contact points: `by` is sms, email or both (SMS first)."""
        if by in ("sms", "both"):
            self.contact(customer, person, "sms", self.phone(state), **more)
        if by in ("email", "both"):
            local = person.lower().replace(" ", ".")
            self.contact(customer, person, "email", f"{local}@{host}", **more)

    def invoice(
        self,
        customer: str,
        cents: int,
        *,
        overdue: int = 0,
        due: date | None = None,
        balance: int | None = None,
        status: str = "",
        **more: str,
    ) -> str:
        """An invoice that fell due `overdue` days ago (below 0: will), on terms of 30 days."""
        number = 20001 + len(self.rows["invoices.csv"])
        identity = f"INV-{number}"
        due = due or TODAY - timedelta(days=overdue)
        issued = due - timedelta(days=30)
        balance = cents if balance is None else balance
        more.setdefault("job", f"{self.random.choice(JOBS)} (J-{number - 12000})")
        more.setdefault("job_state", "completed")
        more.setdefault("due", day(due))
        more.setdefault("payment_link", f"https://pay.example.com/juniper/{number}")
        self._add(
            "invoices.csv",
            invoice_id=identity,
            invoice_no=str(number),
            customer_id=customer,
            issued=day(issued),
            total=money(cents),
            tax=money(cents * 6 // 106),
            balance=money(balance),
            status=status or ("Paid" if balance == 0 else "Open" if balance == cents else "Partial"),
            sent_on=day(issued),
            **more,
        )
        return identity

    def amend(self, column: str, text: str) -> None:
        """Change a cell of the invoice that was added last."""
        self.rows["invoices.csv"][-1][column] = text

    def payment(
        self,
        customer: str,
        invoices: dict[str, int],
        on: date,
        *,
        amount: int = 0,
        method: str = "card",
        status: str = "succeeded",
    ) -> str:
        """A payment applied to invoices in the given parts; `amount` where it is more than they sum to."""
        identity = f"P-{5001 + len({row['Payment ID'] for row in self.rows['payments.csv']})}"
        for invoice, part in invoices.items():
            self._add(
                "payments.csv",
                payment_id=identity,
                customer_id=customer,
                invoice=invoice,
                paid_on=day(on),
                amount=money(amount or sum(invoices.values())),
                applied=money(part),
                method=method,
                reference=f"{method} {identity}",
                status=status,
            )
        return identity

    def history(self, customer: str, days_late: list[int]) -> None:
        """Settled invoices of the past year, the latest first, each paid so many days after its due date."""
        for index, late in enumerate(days_late):
            due = TODAY - timedelta(days=62 + 41 * index + self.random.randrange(12))
            cents = self.random.randrange(9_000, 70_000, 25)
            invoice = self.invoice(customer, cents, due=due, balance=0)
            method = self.random.choice(("card", "ach", "check"))
            self.payment(customer, {invoice: cents}, due + timedelta(days=late), method=method)

    def credit(self, customer: str, cents: int, *, on: date, invoice: str = "", applied: int = 0) -> None:
        """A credit memo, applied to an invoice as far as said."""
        number = 1 + len(self.rows["credits.csv"])
        self._add(
            "credits.csv",
            credit_id=f"CM-{number}",
            credit_no=f"CR-{900 + number}",
            customer_id=customer,
            invoice=invoice,
            issued=day(on),
            amount=money(cents),
            applied=money(applied),
        )

    def dispute(self, customer: str, invoice: str, reason: str, *, opened: date | None, **more: str) -> None:
        """A dispute that the accounting system knows of."""
        more.setdefault("state", "open")
        number = 1 + len(self.rows["disputes.csv"])
        self._add(
            "disputes.csv",
            dispute_id=f"D-{number}",
            customer_id=customer,
            invoice=invoice,
            reason=reason,
            opened_on=day(opened),
            **more,
        )

    def texts(self) -> dict[str, str]:
        """Each file's text by its name."""
        written = {}
        for name, header in HEADERS.items():
            out = io.StringIO(newline="")
            writer = csv.DictWriter(out, header.split(","), lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows[name])
            written[name] = out.getvalue()
        return written


def _key(column: str) -> str:
    return column.lower().replace(" ", "_")
