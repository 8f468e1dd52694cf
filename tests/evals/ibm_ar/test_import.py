"""The real ledger: 1,966 invoices of 100 customers, read in place from outside the project."""

from datetime import UTC, datetime
from pathlib import Path
from typing import LiteralString

import pytest

from evals.ibm_ar.derive_contacts import write_contacts
from server.db import Connection
from tools.ledger.importer import Mapping, import_ledger

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT.parent / "shared" / "data" / "ibm_ar"
NOW = datetime(2013, 8, 1, 12, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the IBM file lies outside the project")


@pytest.fixture
def mapping() -> Mapping:
    return Mapping.read(ROOT / "evals" / "ibm_ar" / "mapping.toml")


async def scalar(conn: Connection, query: LiteralString) -> object:
    row = await (await conn.execute(query)).fetchone()
    assert row is not None
    return row[0]


async def test_all_of_it_goes_in_with_derived_contacts(
    conn: Connection, mapping: Mapping, tmp_path: Path
) -> None:
    """The figures are those that ledgers.md 1.1 and 1.3 measured."""
    contacts = tmp_path / "contacts.csv"
    assert write_contacts(FOLDER / "invoices_dev.csv", contacts) == 200

    report = await import_ledger(
        conn, FOLDER, mapping, now=NOW, imported_by="test", files={"contacts": contacts}
    )

    assert report.ok
    assert report.events == 0
    assert (report.counts["customers"].new, report.counts["invoices"].new) == (100, 1966)
    assert report.counts["contacts"].new == 200
    assert "nobody_reachable" not in {finding.kind for finding in report.findings}
    assert round(100 * report.counts["disputes"].new / 1966, 1) == 22.7
    late = await scalar(conn, "SELECT count(*) FROM invoice WHERE paid_date > due_date")
    assert isinstance(late, int)
    assert round(100 * late / 1966, 1) == 37.4
    assert await scalar(conn, "SELECT count(*) FROM invoice WHERE ledger_state <> 'paid'") == 0
    assert await scalar(conn, "SELECT count(*) FROM dispute WHERE opened_at IS NOT NULL") == 0
    shared = "SELECT count(*) - count(DISTINCT address) FROM contact"
    assert await scalar(conn, shared) == 0


async def test_without_contacts_nobody_can_be_reached(conn: Connection, mapping: Mapping) -> None:
    report = await import_ledger(conn, FOLDER, mapping, now=NOW, imported_by="test")

    assert report.ok
    assert "nobody_reachable" in {finding.kind for finding in report.findings}
    assert report.counts["contacts"].new == 0


async def test_a_second_import_of_it_changes_nothing(conn: Connection, mapping: Mapping) -> None:
    await import_ledger(conn, FOLDER, mapping, now=NOW, imported_by="test")
    again = await import_ledger(conn, FOLDER, mapping, now=NOW, imported_by="test")

    assert {(counts.new, counts.updated) for counts in again.counts.values()} == {(0, 0)}
    assert again.counts["invoices"].unchanged == 1966
    assert (again.events, again.withdrawn) == (0, 0)
