"""The shipped sample ledger: reproducible, importable, and with every situation that the policy names."""

from datetime import UTC, datetime
from pathlib import Path

from server.db import Connection
from tools.ledger import queries
from tools.ledger.importer import Mapping, import_ledger
from tools.ledger.model import Account
from tools.ledger.sample import generate

NOW = datetime(2026, 11, 17, 16, tzinfo=UTC)
TODAY = NOW.date()
FOLDER = Path(generate.__file__).parent


async def accounts(conn: Connection) -> dict[str, Account]:
    report = await import_ledger(
        conn, FOLDER, Mapping.read(FOLDER / "mapping.toml"), now=NOW, imported_by="test"
    )
    assert report.ok
    ids = [row[0] for row in await (await conn.execute("SELECT id FROM customer ORDER BY id")).fetchall()]
    return {i: await queries.read_account(conn, customer_id=i, today=TODAY, now=NOW) for i in ids}


def test_the_shipped_files_are_what_the_generator_writes() -> None:
    for name, text in generate.sample().items():
        assert (FOLDER / name).read_bytes() == text.encode(), f"{name}: run the generator again"


def test_every_address_and_number_is_reserved() -> None:
    lines = (FOLDER / "contacts.csv").read_text("utf-8").splitlines()[1:]
    for line in lines:
        channel, address = line.split(",")[4:6]
        if channel == "email":
            assert address.rsplit("@", 1)[1] in {"example.com", "example.org", "example.net"}
        else:
            assert (address[:2], address[5:10], len(address)) == ("+1", "55501", 12)


async def test_it_has_the_size_and_the_findings_that_it_promises(conn: Connection) -> None:
    report = await import_ledger(
        conn, FOLDER, Mapping.read(FOLDER / "mapping.toml"), now=NOW, imported_by="test"
    )

    assert report.ok
    assert 55 <= report.counts["customers"].new <= 65
    assert 180 <= report.counts["invoices"].new <= 220
    assert {finding.kind for finding in report.findings} == {
        "missing_contact",
        "missing_due_date",
        "missing_owner",
        "shared_contact_point",
        "unapplied_payment",
        "unknown_status",
    }


async def test_it_has_an_account_at_every_age_of_the_ladder(conn: Connection) -> None:
    ages = {
        invoice.days_past_due(TODAY)
        for account in (await accounts(conn)).values()
        for invoice in account.invoices
    }
    assert {-7, 0, 4, 5, 14, 30, 45, 60, 95} <= ages


async def test_enough_reminders_are_low_risk_and_enough_need_a_person(conn: Connection) -> None:
    """Low-risk here: residential, undisputed, reachable, at most 2,500.00, and settled before."""
    low: list[str] = []
    risky: list[str] = []
    for account in (await accounts(conn)).values():
        due = [
            i for i in account.overdue() if i.id not in account.disputed_ids() and i.days_past_due(TODAY) >= 5
        ]
        if not due or max(i.days_past_due(TODAY) for i in due) >= 30 or account.customer.do_not_contact:
            continue
        history, owed = account.history, sum(i.balance_minor for i in due)
        often_late = history.settled < 3 or history.late_0d > 2
        verified = any(c.verified_at and not c.opted_out_at and not c.shared for c in account.contacts)
        pending = account.payments_pending_minor or account.customer.status != "active"
        if account.customer.segment == "residential" and verified and not pending:
            (risky if owed > 250_000 or often_late else low).append(account.customer.id)
        elif account.customer.segment != "residential":
            risky.append(account.customer.id)
    assert len(low) >= 15, low
    assert len(risky) >= 10, risky


async def test_the_demo_characters_are_as_their_stories_say(conn: Connection) -> None:
    read = await accounts(conn)
    owed = {
        identity: [(i.balance_minor, i.days_past_due(TODAY)) for i in read[identity].overdue()]
        for identity in (f"C-100{n}" for n in range(1, 9))
    }
    assert owed == {
        "C-1001": [(41_250, 8)],
        "C-1002": [(86_500, 16)],
        "C-1003": [(18_900, 6)],
        "C-1004": [(54_025, 9)],
        "C-1005": [(138_000, 20)],
        "C-1006": [(1_478_000, 19)],
        "C-1007": [(62_300, 11)],
        "C-1008": [(23_775, 7)],
    }
    assert read["C-1004"].customer.language == "es"
    assert {c.channel for c in read["C-1001"].contacts} == {"sms"}
