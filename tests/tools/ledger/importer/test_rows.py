"""Bad rows are named by line and stay out; good rows go in. Amounts never become floats."""

import ast
import json
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tools.ledger.importer
from server.db import Connection
from tools.ledger.importer import Mapping
from tools.ledger.importer.cells import BadCell, Cells
from tools.ledger.importer.reader import Place, Row

from .books import (
    balances,
    contact,
    customer,
    everything,
    invoice,
    mapping,
    out_of_balance,
    payment,
    run,
    write,
)


def cell(text: str, field: str = "total", *, locale: str = "en_US") -> Cells:
    """An invoice row of which only this cell is looked at."""
    books = mapping("invoices").model_copy(update={"number_locale": locale})
    return Cells(Row(Place("invoices.csv", 2), {field: text}), books.invoices[0], books)


@pytest.mark.parametrize(
    ("text", "locale", "minor"),
    [
        ("1,234.56", "en_US", 123456),
        ("1234.5", "en_US", 123450),
        ("$1,000", "en_US", 100000),
        ("-$5.00", "en_US", -500),
        ("(12.00)", "en_US", -1200),
        ("1.234,56", "de_DE", 123456),
        ("12,30 €", "de_DE", 1230),
    ],
)
def test_amounts_as_people_write_them(text: str, locale: str, minor: int) -> None:
    assert cell(text, locale=locale).amount("total", "USD") == minor


@pytest.mark.parametrize(
    "text",
    [
        "12,30",
        "1.234,56",
        "1_000",
        "1e9",
        "1E999999",
        "NaN",
        "Infinity",
        "0.005",
        "ten",
        "--5",
        "9" * 40,
        ".",
    ],
)
def test_what_is_no_amount_is_not_guessed_at(text: str) -> None:
    with pytest.raises(BadCell):
        cell(text).amount("total", "USD")


@given(st.integers(-(10**15), 10**15))
def test_every_amount_to_the_cent_is_read_exactly(minor: int) -> None:
    """Fifteen digits are more than a float keeps together with its cents."""
    text = format(Decimal(minor).scaleb(-2), "f")
    assert cell(text).amount("total", "USD") == minor
    assert cell(format(Decimal(minor).scaleb(-2), ",f")).amount("total", "USD") == minor


def test_no_code_of_the_importer_makes_a_float() -> None:
    for path in Path(tools.ledger.importer.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            called = (
                isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float"
            )
            written = isinstance(node, ast.Constant) and isinstance(node.value, float)
            assert not called, path.name
            assert not written, path.name


async def test_every_bad_row_is_named_by_line_while_the_others_go_in(
    conn: Connection, tmp_path: Path
) -> None:
    write(
        tmp_path,
        "customers",
        customer("K1"),
        customer("K2", name=""),
        customer("K3", currency="XXQ"),
        customer("K1"),
    )
    write(
        tmp_path,
        "invoices",
        invoice("I1"),
        invoice("I2", total="-5.00"),
        invoice("I3", currency="ZZZ"),
        invoice("I4", currency="EUR"),
        invoice("I5", issue_date="31/12/2026"),
        invoice("I6", customer_id="nobody"),
        invoice("I7", total=""),
        invoice("I1", total="7.00"),
        invoice("I8", disputed="perhaps"),
        invoice("I9"),
    )
    write(
        tmp_path,
        "payments",
        payment(amount="0"),
        payment("P2", status="odd"),
        payment("P3", customer_id="nobody", invoice="no"),
    )
    write(
        tmp_path,
        "contacts",
        contact(),
        contact(address="not an address"),
        contact(),
        contact(channel="sms", address="12"),
    )

    report = await run(conn, tmp_path)

    assert not report.ok
    assert [(r.place.file, r.place.line, r.column, r.reason) for r in report.rejected] == [
        ("contacts.csv", 3, "address", "it is no e-mail address"),
        ("contacts.csv", 4, None, "the same contact point is on line 2"),
        ("contacts.csv", 5, "address", "it is no telephone number"),
        ("customers.csv", 3, "name", "it is empty"),
        ("customers.csv", 4, "currency", "it is no known currency"),
        ("customers.csv", 5, None, "its id is already used by line 2"),
        ("invoices.csv", 3, "total", "a negative amount that is no credit memo"),
        ("invoices.csv", 4, "currency", "it is no known currency"),
        ("invoices.csv", 5, None, "it is in EUR, its customer's account in USD"),
        ("invoices.csv", 6, "issue_date", "it is no date as %Y-%m-%d"),
        ("invoices.csv", 7, None, "its customer is not in the ledger"),
        ("invoices.csv", 8, "total", "it is empty"),
        ("invoices.csv", 9, None, "its id is already used by line 2"),
        ("invoices.csv", 10, "disputed", "it is neither yes nor no"),
        ("payments.csv", 2, "amount", "it is not above zero"),
        ("payments.csv", 3, "status", "the mapping does not know this value"),
        ("payments.csv", 4, None, "neither its customer nor its invoice is in the ledger"),
    ]  # fmt: skip
    assert set(await balances(conn)) == {"I1", "I9"}
    row = await (
        await conn.execute("SELECT report FROM import_batch WHERE id = %s", [report.batch_id])
    ).fetchone()
    assert row is not None
    assert row[0] == report.as_json()


async def test_the_stored_report_holds_no_personal_data(conn: Connection, tmp_path: Path) -> None:
    """Not even when a shifted column puts a name where an amount or a status belongs."""
    write(tmp_path, "customers", customer(), customer("K2", terms_days="Amara Okonkwo"))
    write(tmp_path, "contacts", contact(address="Amara Okonkwo"), contact("K1", address="amara@example.com"))
    write(tmp_path, "invoices", invoice(total="Amara Okonkwo"), invoice("I2", status="Amara Okonkwo"))
    write(tmp_path, "payments", payment(status="amara@example.com"), payment("P2", paid_on="Amara Okonkwo"))

    report = json.dumps((await run(conn, tmp_path)).as_json()).casefold()

    assert "amara" not in report
    assert "okonkwo" not in report


_BAD: dict[str, dict[str, str]] = {
    "currency": {"currency": "DOLLARS"},
    "negative": {"total": "-1.00"},
    "date": {"issue_date": "2026-02-30"},
    "customer": {"customer_id": "nobody"},
    "empty": {"number": ""},
    "amount": {"total": "1.2.3"},
}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(faults=st.lists(st.none() | st.sampled_from(sorted(_BAD)), min_size=1, max_size=12))
async def test_exactly_the_bad_lines_are_rejected(conn: Connection, faults: list[str | None]) -> None:
    rows: list[dict[str, str]] = [invoice(f"I{n}", **(_BAD[f] if f else {})) for n, f in enumerate(faults)]
    with TemporaryDirectory() as name:
        write(Path(name), "customers", customer())
        write(Path(name), "invoices", *rows)
        async with conn.transaction(force_rollback=True):
            report = await run(conn, Path(name))
            went_in = set(await balances(conn))
            assert await out_of_balance(conn) == []

    assert {r.place.line for r in report.rejected} == {n + 2 for n, fault in enumerate(faults) if fault}
    assert went_in == {f"I{n}" for n, fault in enumerate(faults) if not fault}
    assert report.ok is not any(faults)


async def test_two_customers_with_one_phone_number_go_in_with_a_finding(
    conn: Connection, tmp_path: Path
) -> None:
    write(tmp_path, "customers", customer("K1"), customer("K2", owner=""), customer("K3"))
    numbers = ("+13125550123", "(312) 555-0123")  # the same, written differently
    write(
        tmp_path, "contacts", *(contact(f"K{n + 1}", channel="sms", address=a) for n, a in enumerate(numbers))
    )
    write(
        tmp_path, "invoices", invoice("I1", due_date=""), invoice("I2", number="7"), invoice("I3", number="7")
    )
    report = await run(conn, tmp_path)

    assert report.ok
    assert {(f.kind, f.ids) for f in report.findings} == {
        ("shared_contact_point", ("K1", "K2")),
        ("missing_contact", ("K3",)),
        ("missing_owner", ("K2",)),
        ("missing_due_date", ("I1",)),
        ("duplicate_invoice", ("I2", "I3")),
    }


async def test_a_due_date_comes_from_the_customers_terms(conn: Connection, tmp_path: Path) -> None:
    write(tmp_path, "customers", customer(terms_days="15"))
    write(tmp_path, "invoices", invoice(due_date=""))
    await run(conn, tmp_path)
    row = await (await conn.execute("SELECT due_date::text FROM invoice")).fetchone()
    assert row == ("2026-10-16",)


async def test_importing_the_same_files_again_changes_nothing(conn: Connection, tmp_path: Path) -> None:
    write(tmp_path, "customers", customer("K1"), customer("K2"))
    write(tmp_path, "contacts", contact(), contact("K2", opted_out_at="2026-01-05"))
    write(
        tmp_path,
        "invoices",
        invoice(disputed="yes"),
        invoice("I2", balance="12.00"),
        invoice("I3", settled_on="2026-11-01"),
    )
    write(tmp_path, "payments", payment(), payment("", invoice="I2"), payment("", invoice="I2"))
    credit = {"id": "M1", "number": "M1", "customer_id": "K1", "issue_date": "2026-11-01", "amount": "-9.00"}
    write(tmp_path, "credits", credit | {"invoice": "I1"})
    write(tmp_path, "disputes", {"id": "D1", "invoice": "I2", "reason": "price", "state": "withdrawn"})
    first = await run(conn, tmp_path)
    once = await everything(conn)
    again = await run(conn, tmp_path)

    assert first.ok
    assert await everything(conn) == once
    assert [(c.new, c.updated, c.unchanged) for c in again.counts.values()] == [
        (0, 0, n) for n in (2, 2, 3, 3, 1, 2)
    ]


async def test_what_is_on_file_here_is_not_undone_by_the_source(conn: Connection, tmp_path: Path) -> None:
    """An opt-out stays, an erased customer stays erased, and another system's ids stay its own."""
    write(tmp_path, "customers", customer())
    write(tmp_path, "contacts", contact(opted_out_at="2026-01-05"))
    await run(conn, tmp_path)
    write(tmp_path, "contacts", contact())
    await run(conn, tmp_path)
    row = await (await conn.execute("SELECT opted_out_at::date::text FROM contact")).fetchone()
    assert row == ("2026-01-05",)

    await conn.execute("UPDATE customer SET status = 'erased', name = ''")
    report = await run(conn, tmp_path)
    row = await (await conn.execute("SELECT status, name FROM customer")).fetchone()
    assert row == ("erased", "")
    assert [r.reason for r in report.rejected] == ["its customer was erased"]

    await conn.execute("UPDATE customer SET ext_system = 'elsewhere'")
    report = await run(conn, tmp_path, "customers")
    assert [r.reason for r in report.rejected] == ["this customer id comes from elsewhere"]


def test_a_row_knows_its_mapping_by_type() -> None:
    """A status that the mapping names wins over one that happens to be called as ours."""
    values: dict[str, Any] = {"status": {"Open": "void"}}
    books = mapping("invoices")
    source = books.invoices[0].model_copy(update={"values": values})
    row = Row(Place("f", 2), {"status": "OPEN"})
    assert Cells(row, source, Mapping.model_validate(books)).choice("status", default="open") == "void"
