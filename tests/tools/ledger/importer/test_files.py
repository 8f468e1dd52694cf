"""Files and mappings that cannot be read: one clear sentence, and nothing half-written."""

from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest
from openpyxl import Workbook

from server.db import Connection
from tools.errors import Invalid
from tools.ledger.importer import Mapping, import_ledger
from tools.ledger.importer.reader import read_table

from .books import NOW, balances, contact, customer, everything, invoice, mapping, payment, run, write


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    """A byte order mark, quoted line breaks and empty lines do not shift what a rejection names."""
    (tmp_path / "a.csv").write_bytes('\ufeffid,note\r\n1,"two\r\nlines"\r\n\r\n2,x\r\n'.encode())
    table = read_table(tmp_path / "a.csv")
    assert table.header == ("id", "note")
    assert [(row.place.line, row.cells["id"]) for row in table.rows] == [(2, "1"), (5, "2")]


def test_a_cut_off_row_is_rejected_and_not_filled_up(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,note\n1\n1,2,3\n4,x\n")
    assert [row.unreadable for row in read_table(tmp_path / "a.csv").rows] == [
        "it has 1 cells, the header has 2",
        "it has 3 cells, the header has 2",
        None,
    ]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", None, "There is no file a.csv"),
        ("a.csv", b"", "a.csv is empty."),
        ("a.csv", b"id,name\n1,\xff\xfe", "a.csv is not UTF-8 text"),
        ("a.csv", b'id,name\n1,"open', "a.csv is not readable CSV"),
        ("a.csv", b"id,id\n1,2", "a.csv has two columns 'id'."),
        ("a.xlsx", b"no workbook", "a.xlsx is not a readable XLSX workbook."),
    ],
)
def test_an_unreadable_file_gets_one_sentence(
    tmp_path: Path, name: str, content: bytes | None, says: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(Invalid, match="^" + says.replace(".", r"\.")):
        read_table(tmp_path / name)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ext_system = ", "the mapping is no TOML"),
        ('ext_system = "x"', "wrong at currency"),
        ('ext_system = "x"\ncurrency = "ABC"', "'ABC' is no currency"),
        ('ext_system = "x"\ncurrency = "USD"\ncolour = "red"', "wrong at colour"),
        ('ext_system = "x"\ncurrency = "USD"\ndate_formats = ["%d"]', "loses the day, the month or the year"),
        ('ext_system = "x"\ncurrency = "USD"\nnumber_locale = "tlh"', "is no locale"),
        (
            'ext_system = "x"\ncurrency = "USD"\n[customers]\nfile = "../a"\ncolumns = {id = "a", name = "b"}',
            "relative to the folder",
        ),
        (
            'ext_system = "x"\ncurrency = "USD"\n[customers]\nfile = "a"\ncolumns = {id = "a", nam = "b"}',
            "wrong at customers.columns",
        ),
        (
            (
                'ext_system = "x"\ncurrency = "USD"\n[customers]\nfile = "a"\n'
                'columns = {id = "a", name = "b"}\nvalues = {status = {Gone = "deleted"}}'
            ),
            "status cannot be 'deleted'; it is one of active, archived, inactive",
        ),
    ],
)
def test_a_wrong_mapping_says_where(text: str, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        Mapping.parse(text)


def test_a_missing_mapping_gets_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="There is no mapping file"):
        Mapping.read(tmp_path / "mapping.toml")


async def test_a_column_that_is_not_there_is_named_with_those_that_are(
    conn: Connection, tmp_path: Path
) -> None:
    before = await everything(conn)
    write(tmp_path, "customers", customer())
    (tmp_path / "invoices.csv").write_text("Invoice,Amount\n1,2\n")
    with pytest.raises(
        Invalid, match=r"invoices.csv has no column 'number', .* its columns are 'Invoice', 'Amount'"
    ):
        await run(conn, tmp_path)
    assert await everything(conn) == before


async def test_nothing_is_kept_when_the_caller_rolls_back(database: str, tmp_path: Path) -> None:
    """The import opens no transaction of its own: the caller's edge decides, for all of it."""
    write(tmp_path, "customers", customer())
    write(tmp_path, "contacts", contact())
    write(tmp_path, "invoices", invoice(balance="50.00", disputed="yes"))
    write(tmp_path, "payments", payment())
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as conn:
        before = await everything(conn)
        async with conn.transaction(force_rollback=True):
            assert (await run(conn, tmp_path)).ok
            assert await everything(conn) != before
        assert await everything(conn) == before
        row = await (await conn.execute("SELECT count(*) FROM import_batch")).fetchone()
        assert row == (0,)

        async with conn.transaction():
            await run(conn, tmp_path)
        assert await balances(conn) == {"I1": (5000, "partially_paid")}


async def test_a_workbook_goes_in_like_a_csv_file(conn: Connection, tmp_path: Path) -> None:
    """Real dates and numbers, a chosen sheet, empty cells at the end, and a bad row named by its row number."""
    write(tmp_path, "customers", customer())
    book = Workbook()
    sheet = book.create_sheet("Open items")
    sheet.append(["Num", "Who", "Date", "Due", "Amount", "Open", "Memo"])
    sheet.append([1001, "K1", date(2026, 10, 1), date(2026, 10, 31), 50.39, 20.09, None])
    sheet.append([1002, "K1", "10/02/2026", None, "1,000.00"])
    sheet.append([None, None, None])
    sheet.append([1003, "K1", date(2026, 10, 1), None, -12.5])
    sheet.append([1004, "K1", date(2026, 10, 1), None, 0.1 + 0.2])
    book.save(tmp_path / "open.xlsx")
    head = mapping("customers").model_dump(exclude_none=True, exclude_defaults=True)
    columns = {
        "number": "Num",
        "customer_id": "Who",
        "issue_date": "Date",
        "due_date": "Due",
        "total": "Amount",
    }
    source = {
        "file": "open.xlsx",
        "sheet": "Open items",
        "date_formats": ["%m/%d/%Y"],
        "columns": columns | {"balance": "Open"},
    }
    books = Mapping.model_validate(head | {"invoices": source})

    report = await import_ledger(conn, tmp_path, books, now=NOW, imported_by="test")

    assert [(r.place.line, r.column) for r in report.rejected] == [(5, "Amount")]
    assert await balances(conn) == {
        "1001": (2009, "partially_paid"),
        "1002": (100000, "open"),
        "1004": (30, "open"),
    }
    with pytest.raises(Invalid, match=r"open.xlsx has no sheet 'Paid'; its sheets are Sheet, Open items\."):
        read_table(tmp_path / "open.xlsx", sheet="Paid")


async def test_one_file_may_hold_several_things(conn: Connection, tmp_path: Path) -> None:
    """Customers taken from the invoice rows, two contact points in two columns, credits told by their type."""
    (tmp_path / "all.csv").write_text(
        "Customer,Phone,Mail,Type,No,Date,Amount\n"
        "K1,(312) 555-0101,k1@example.com,Invoice,1,2026-10-01,100.00\n"
        "K1,(312) 555-0101,k1@example.com,Credit,2,2026-10-05,-30.00\n"
        "K2,,k2@example.com,Invoice,3,2026-10-01,10.00\n"
    )
    head = 'ext_system = "x"\ncurrency = "USD"\n[customers]\nfile = "all.csv"\ndistinct = true\n'
    books = Mapping.parse(
        head
        + """columns = { id = "Customer", name = "Customer" }
        [[contacts]]
        file = "all.csv"
        where = { column = "Phone" }
        columns = { customer_id = "Customer", channel = { const = "sms" }, address = "Phone" }
        distinct = true
        [[contacts]]
        file = "all.csv"
        columns = { customer_id = "Customer", channel = { const = "email" }, address = "Mail" }
        distinct = true
        [invoices]
        file = "all.csv"
        where = { column = "Type", is_one_of = ["Invoice"] }
        columns = { number = "No", customer_id = "Customer", issue_date = "Date", total = "Amount" }
        [credits]
        file = "all.csv"
        where = { column = "Type", is_one_of = ["Credit"] }
        columns = { number = "No", customer_id = "Customer", issue_date = "Date", amount = "Amount" }
        """
    )
    report = await import_ledger(
        conn, tmp_path, books, now=datetime(2026, 11, 17, tzinfo=UTC), imported_by="test"
    )

    assert report.ok, report.rejected
    assert [report.counts[e].new for e in ("customers", "contacts", "invoices", "credits")] == [2, 3, 2, 1]
    row = await (await conn.execute("SELECT remaining_minor FROM credit_memo")).fetchone()
    assert row == (3000,)
