"""Contact points for the customers of the IBM file, which has none.

    python -m evals.ibm_ar.derive_contacts ../shared/data/ibm_ar/invoices_dev.csv contacts.csv

Addresses are under the reserved name example.com; numbers are of the block 555-01xx, which no exchange
assigns. Every run derives the same ones.
"""

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

COLUMNS = (
    "contact_id",
    "customer_id",
    "role",
    "channel",
    "address",
    "verified_on",
    "consent",
    "consent_source",
)
# Each block 555-01xx has a hundred numbers; five area codes leave room for more customers than there are.
_AREA_CODES = ("312", "214", "602", "404", "206")
_VERIFIED_ON = "2012-01-01"  # before the first invoice, so that a run as of any date may write


def derive(invoices: Path) -> Iterator[dict[str, str]]:
    """Two verified contact points, e-mail and SMS, for each customer of the invoice file."""
    with invoices.open(encoding="utf-8", newline="") as file:
        customers = sorted({row["customerID"] for row in csv.DictReader(file)})
    for index, customer_id in enumerate(customers):
        block, area = divmod(index, len(_AREA_CODES))
        addresses = {
            "email": f"accounts.{customer_id.lower()}@example.com",
            "sms": f"+1{_AREA_CODES[area]}55501{block:02d}",
        }
        for channel, address in addresses.items():
            values = (
                f"{customer_id}-{channel}",
                customer_id,
                "billing",
                channel,
                address,
                _VERIFIED_ON,
                "granted",
                "derived for evaluation",
            )
            yield dict(zip(COLUMNS, values, strict=True))


def write_contacts(invoices: Path, target: Path) -> int:
    """Write the contacts file; returns how many contact points it has."""
    contacts = list(derive(invoices))
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(contacts)
    return len(contacts)


def main() -> None:
    """Derive the contacts of one invoice file into another file."""
    parser = argparse.ArgumentParser(description="Derive contact points for the customers of the IBM file.")
    parser.add_argument("invoices", type=Path)
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    write_contacts(arguments.invoices, arguments.target)


if __name__ == "__main__":
    main()
