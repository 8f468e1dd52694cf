"""Seventeen month ends on real invoices: `python -m evals.ibm_ar.month_ends FOLDER [--out FILE]`.

Imports the 1,966 IBM invoices of FOLDER and contacts derived from them into an embedded database of its own, runs
`dunwell cycle --as-of DATE --json` at every month end from 2012-02 to 2013-06, and writes a table. Each cycle knows
no invoice that was issued and no payment that was made after its day; nobody decides the approvals, so they lapse.
"""

import argparse
import csv
import json
import shutil
import subprocess
import sys
import tempfile
import time
from calendar import monthrange
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from evals.ibm_ar.derive_contacts import write_contacts
from server.embedded import stop
from server.settings import inherited

HERE = Path(__file__).resolve().parent
_FIRST, _LAST = (2012, 2), (2013, 6)
_COLUMNS = ("known", "overdue", "held", "proposed", "asked", "sent", "deferred", "not proposed, by reason")


def month_ends() -> list[date]:
    """The last day of each month from 2012-02 to 2013-06."""
    months = [(year, month) for year in (2012, 2013) for month in range(1, 13)]
    return [date(y, m, monthrange(y, m)[1]) for y, m in months if _FIRST <= (y, m) <= _LAST]


_PAGE = """\
# Seventeen month ends on real invoices

Reproduce: `make monthends` (needs the IBM file in `../shared/data/ibm_ar`; it is read there, never copied).

{invoices} invoices of {customers} customers, {contacts} contact points derived (reserved example addresses, fictional
numbers), {disputes} undated disputes; {seconds:.0f} s for the import and {cycles} cycles.
Per date: invoices known; customers overdue; of these wholly held; proposals; approvals asked; messages sent (one
consolidated message per customer); messages that wait for a permitted hour. Proposals include early notices to
customers who are not overdue yet. An undated `Disputed` holds its invoice while it is open.
Approvals are left undecided here and lapse after 48 hours.

{head}
{table}

Why each proposal was allowed or asked, over all dates:

| result | why | times |
| --- | --- | ---: |
{reasons}
"""


@dataclass(frozen=True, slots=True)
class Row:
    """What one line of the file says about an invoice, for checking a cycle's figures against the file itself."""

    customer: str
    issued: date
    due: date
    settled: date
    disputed: bool


def invoices(source: Path) -> list[Row]:
    """The file's invoices."""

    def day(text: str) -> date:
        month, day_of_month, year = (int(part) for part in text.split("/"))
        return date(year, month, day_of_month)

    with (source / "invoices_dev.csv").open(encoding="utf-8", newline="") as file:
        return [
            Row(
                r["customerID"],
                day(r["InvoiceDate"]),
                day(r["DueDate"]),
                day(r["SettledDate"]),
                r["Disputed"] == "Yes",
            )
            for r in csv.DictReader(file)
        ]


def run(
    source: Path, *, contacts: bool = True, days: Sequence[date] | None = None
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The import's report and the cycle of each of `days` (default: all month ends), by the public command line alone."""
    work = Path(tempfile.mkdtemp(prefix="dunwell-ibm-"))
    environment = {
        **inherited(),
        "DUNWELL_DATA_DIR": str(work / "data"),
        "DUNWELL_POLICY": str(HERE / "policy.toml"),
        "DUNWELL_COMPANY_NAME": "Example Factoring",
    }

    def dunwell(*words: str) -> dict[str, Any]:
        command = [sys.executable, "-m", "server.cli", *words, "--json"]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        answered: dict[str, Any] = json.loads(done.stdout)
        return answered

    try:
        ledger = work / "ledger"
        ledger.mkdir()
        (ledger / "invoices_dev.csv").symlink_to(
            source.resolve() / "invoices_dev.csv"
        )  # read in place, never copied
        shutil.copy(HERE / "mapping.toml", ledger)
        if contacts:
            write_contacts(source / "invoices_dev.csv", ledger / "contacts.csv")
        imported = dunwell("import", str(ledger))
        return imported, [dunwell("cycle", "--as-of", day.isoformat()) for day in days or month_ends()]
    finally:
        stop(work / "data")
        shutil.rmtree(work, ignore_errors=True)


def row(cycle: dict[str, Any]) -> list[str]:
    """One line of the table: figures of one month end, and why the other overdue customers got nothing."""
    silent = Counter(v["why"] for v in cycle["verdicts"] if v["result"] == "not proposed")
    reasons = "; ".join(f"{why} {count}" for why, count in silent.most_common())
    figures = [cycle["invoices_known"], *(cycle[name] for name in _COLUMNS[1:-1])]
    return [cycle["date"], *(str(figure) for figure in figures), reasons or "-"]


def report(imported: dict[str, Any], cycles: list[dict[str, Any]], seconds: float) -> str:
    """The whole page in Markdown."""
    counts = imported["counts"]
    table = ["| " + " | ".join(row(cycle)) + " |" for cycle in cycles]
    why = Counter(
        (v["result"], v["why"]) for c in cycles for v in c["verdicts"] if v["result"] != "not proposed"
    )
    reasons = [f"| {result} | {reason} | {times} |" for (result, reason), times in sorted(why.items())]
    return _PAGE.format(
        invoices=counts["invoices"]["new"],
        customers=counts["customers"]["new"],
        contacts=counts["contacts"]["new"],
        disputes=counts["disputes"]["new"],
        seconds=seconds,
        cycles=len(cycles),
        head="| date | " + " | ".join(_COLUMNS) + " |\n| --- |" + " ---: |" * (len(_COLUMNS) - 1) + " --- |",
        table="\n".join(table),
        reasons="\n".join(reasons),
    )


def main() -> None:
    """Run, print and, with --out, write the page."""
    parser = argparse.ArgumentParser(description="Month-end cycles on real invoices")
    parser.add_argument("source", type=Path, help="the folder with invoices_dev.csv")
    parser.add_argument("--out", type=Path, help="where to write the page")
    given = parser.parse_args()
    started = time.monotonic()
    imported, cycles = run(given.source)
    page = report(imported, cycles, time.monotonic() - started)
    sys.stdout.write(page)
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(page, "utf-8")


if __name__ == "__main__":
    main()
