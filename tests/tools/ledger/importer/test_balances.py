"""What was applied and what is owed add up to the total, whatever arrives in whatever order."""

from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.db import Connection

from .books import (
    NOW,
    balances,
    customer,
    everything,
    invoice,
    out_of_balance,
    payment,
    run,
    write,
)


async def test_without_a_stated_balance_it_is_total_less_what_was_applied(
    conn: Connection, tmp_path: Path
) -> None:
    write(tmp_path, "customers", customer())
    write(tmp_path, "invoices", invoice("I1"), invoice("I2"), invoice("I3"))
    write(tmp_path, "payments", payment("P1"), payment("P2", invoice="I2", amount="100.00"))

    report = await run(conn, tmp_path)

    assert report.ok
    assert await balances(conn) == {"I1": (6000, "partially_paid"), "I2": (0, "paid"), "I3": (10000, "open")}


async def test_a_gap_to_the_stated_balance_is_an_opening_payment(conn: Connection, tmp_path: Path) -> None:
    write(tmp_path, "customers", customer())
    write(tmp_path, "invoices", invoice(balance="25.00"))
    write(tmp_path, "payments", payment())
    await run(conn, tmp_path)

    rows = await conn.execute("SELECT id, amount_minor, paid_on FROM payment ORDER BY id")
    assert await rows.fetchall() == [("P1", 4000, date(2026, 11, 2)), ("opening:I1", 3500, date(2026, 10, 1))]
    assert await balances(conn) == {"I1": (2500, "partially_paid")}


@pytest.mark.parametrize(
    ("paid_on", "amount", "opening", "balance"),
    [
        ("2026-11-02", "40.00", 3500, 2500),  # it explains a part of the gap
        ("2026-11-02", "75.00", None, 2500),  # it explains all of it
        ("2026-11-02", "90.00", None, 1000),  # and more than that is money that the balance did not know
        ("2026-11-18", "20.00", 7500, 500),  # of after the statement: new money
    ],
)
async def test_a_real_payment_in_a_later_file_takes_the_opening_payments_place(
    conn: Connection, tmp_path: Path, paid_on: str, amount: str, opening: int | None, balance: int
) -> None:
    write(tmp_path, "customers", customer())
    write(tmp_path, "invoices", invoice(balance="25.00"))
    await run(conn, tmp_path)
    write(tmp_path, "payments", payment(paid_on=paid_on, amount=amount))
    later = NOW + timedelta(days=2)
    await run(conn, tmp_path, "payments", now=later)
    once = await everything(conn)
    await run(conn, tmp_path, "payments", now=later)

    assert (await balances(conn))["I1"][0] == balance
    row = await (await conn.execute("SELECT amount_minor FROM payment WHERE id = 'opening:I1'")).fetchone()
    assert (row and row[0]) == opening
    assert await everything(conn) == once
    assert await out_of_balance(conn) == []


async def test_a_stated_balance_above_what_can_be_owed_blocks_sending(
    conn: Connection, tmp_path: Path
) -> None:
    write(tmp_path, "customers", customer())
    write(tmp_path, "invoices", invoice(balance="100.00"))
    write(tmp_path, "payments", payment())
    report = await run(conn, tmp_path)

    assert await balances(conn) == {"I1": (6000, "unknown")}
    assert [(f.kind, f.ids) for f in report.findings if f.kind == "unreconciled"] == [
        ("unreconciled", ("I1",))
    ]


async def test_paid_with_nothing_that_paid_it_is_not_dunned(conn: Connection, tmp_path: Path) -> None:
    write(tmp_path, "customers", customer())
    write(tmp_path, "invoices", invoice(status="Paid"))
    report = await run(conn, tmp_path)

    assert await balances(conn) == {"I1": (10000, "unknown")}
    assert "unreconciled" in {finding.kind for finding in report.findings}


async def test_states_that_owe_nothing_make_no_payment(conn: Connection, tmp_path: Path) -> None:
    write(tmp_path, "customers", customer())
    write(
        tmp_path, "invoices", invoice(status="Voided", balance="0.00"), invoice("I2", status="Pending review")
    )
    report = await run(conn, tmp_path)

    assert await balances(conn) == {"I1": (10000, "void"), "I2": (10000, "unknown")}
    row = await (await conn.execute("SELECT count(*) FROM payment")).fetchone()
    assert row == (0,)
    assert [(f.kind, f.ids) for f in report.findings if f.kind == "unknown_status"] == [
        ("unknown_status", ("I2",))
    ]


async def test_a_settled_date_is_one_payment_that_goes_when_the_date_goes(
    conn: Connection, tmp_path: Path
) -> None:
    write(tmp_path, "customers", customer())
    write(tmp_path, "invoices", invoice(settled_on="2026-11-05"))
    await run(conn, tmp_path)
    rows = await conn.execute("SELECT payment_id, amount_minor, applied_on FROM allocation")
    assert await rows.fetchall() == [("settled:I1", 10000, date(2026, 11, 5))]

    write(tmp_path, "invoices", invoice())
    await run(conn, tmp_path)
    assert await balances(conn) == {"I1": (10000, "open")}


async def test_a_surplus_stays_unapplied(conn: Connection, tmp_path: Path) -> None:
    write(tmp_path, "customers", customer())
    write(tmp_path, "invoices", invoice())
    write(tmp_path, "payments", payment(amount="130.00"))
    report = await run(conn, tmp_path)

    assert await balances(conn) == {"I1": (0, "paid")}
    row = await (await conn.execute("SELECT unapplied_minor FROM payment")).fetchone()
    assert row == (3000,)
    assert ("unapplied_payment", ("P1",)) in [(f.kind, f.ids) for f in report.findings]


async def test_money_for_an_unknown_invoice_is_kept_until_the_invoice_comes(
    conn: Connection, tmp_path: Path
) -> None:
    """It goes in unapplied with a finding; importing it again after the invoice applies it."""
    write(tmp_path, "customers", customer())
    write(tmp_path, "payments", payment())
    report = await run(conn, tmp_path)
    assert ("unknown_invoice", ("P1",)) in [(f.kind, f.ids) for f in report.findings]

    write(tmp_path, "invoices", invoice())
    await run(conn, tmp_path)
    assert await balances(conn) == {"I1": (6000, "partially_paid")}


async def test_a_payment_over_two_invoices_and_moved_to_a_third(conn: Connection, tmp_path: Path) -> None:
    write(tmp_path, "customers", customer())
    write(tmp_path, "invoices", invoice("I1"), invoice("I2"), invoice("I3"))
    two = [payment(amount="90.00", applied="60.00"), payment(invoice="I2", amount="90.00", applied="30.00")]
    write(tmp_path, "payments", *two)
    await run(conn, tmp_path)
    assert {i: b for i, (b, _) in (await balances(conn)).items()} == {"I1": 4000, "I2": 7000, "I3": 10000}

    write(tmp_path, "payments", payment(invoice="I3", amount="90.00", applied="90.00"))
    await run(conn, tmp_path, "payments")
    assert {i: b for i, (b, _) in (await balances(conn)).items()} == {"I1": 10000, "I2": 10000, "I3": 1000}


async def test_only_money_that_arrived_counts(conn: Connection, tmp_path: Path) -> None:
    write(tmp_path, "customers", customer())
    write(tmp_path, "invoices", invoice())
    for status, balance in (
        ("pending", 10000),
        ("succeeded", 6000),
        ("charged_back", 10000),
        ("failed", 10000),
    ):
        write(tmp_path, "payments", payment(status=status))
        await run(conn, tmp_path)
        assert (await balances(conn))["I1"][0] == balance


_CENTS = st.integers(1, 30_000)


def _dollars(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


@st.composite
def _ledgers(draw: st.DrawFn) -> dict[str, list[dict[str, str]]]:
    """A few invoices with and without a stated balance, payments and credits for them, some for unknown ones."""
    totals = draw(st.lists(_CENTS, min_size=1, max_size=4))
    invoices = []
    for index, total in enumerate(totals):
        stated = draw(st.none() | st.integers(0, total + 500))
        said = "" if stated is None else _dollars(stated)
        status = draw(st.sampled_from(("", "Overdue", "Voided", "odd")))
        invoices.append(invoice(f"I{index}", total=_dollars(total), balance=said, status=status))
    to = st.integers(0, len(totals)).map(lambda index: f"I{index}")  # the last one does not exist
    day = st.integers(1, 28).map(lambda n: f"2026-11-{n:02d}")
    payments = [
        payment(
            f"P{index}",
            invoice=draw(to),
            amount=_dollars(draw(_CENTS)),
            paid_on=draw(day),
            status=draw(st.sampled_from(("succeeded", "succeeded", "pending", "charged_back"))),
        )
        for index in range(draw(st.integers(0, 4)))
    ]
    credit = {"customer_id": "K1", "applied": ""}
    credits_ = [
        {"id": f"M{index}", "number": f"M{index}", "invoice": draw(to), "issue_date": draw(day),
         "amount": _dollars(draw(_CENTS)), **credit}
        for index in range(draw(st.integers(0, 2)))
    ]  # fmt: skip
    return {"customers": [customer()], "invoices": invoices, "payments": payments, "credits": credits_}


@pytest.mark.proof
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    ledger=_ledgers(),
    order=st.permutations(["customers", "invoices", "payments", "credits"]),
    twice=st.booleans(),
)
async def test_any_ledger_in_any_order_adds_up_and_a_second_import_changes_nothing(
    conn: Connection, ledger: dict[str, list[dict[str, str]]], order: list[str], *, twice: bool
) -> None:
    """File by file in any order, then all together: the sums hold after every import, and the last one is the truth."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        for entity, rows in ledger.items():
            write(folder, entity, *rows)
        async with conn.transaction(force_rollback=True):
            for step, entity in enumerate(order):
                await run(conn, folder, entity, now=NOW + timedelta(days=step if twice else 0))
                assert await out_of_balance(conn) == []
            await run(conn, folder)
            once, owed = await everything(conn), await balances(conn)
            again = await run(conn, folder, now=NOW + timedelta(hours=1))
            assert await everything(conn) == once
            assert await out_of_balance(conn) == []

    assert {(c.new, c.updated) for c in again.counts.values()} == {(0, 0)}
    assert again.events == again.withdrawn == 0
    for row in ledger["invoices"]:
        assert owed[row["id"]] == _expected(row, ledger)


def _minor(text: str) -> int:
    return int(text.replace(".", ""))


def _expected(row: dict[str, str], ledger: dict[str, list[dict[str, str]]]) -> tuple[int, str]:
    """The same rule in a few lines: balance and state of an invoice when all files are in."""
    paid = [p for p in ledger["payments"] if p["invoice"] == row["id"] and p["status"] == "succeeded"]
    given_ = [c for c in ledger["credits"] if c["invoice"] == row["id"]]
    total = _minor(row["total"])
    left = max(0, total - sum(_minor(r["amount"]) for r in [*paid, *given_]))
    if row["status"] == "Voided":
        return left, "void"
    stated = left if row["balance"] == "" else _minor(row["balance"])
    balance = min(stated, left)
    if stated > left or row["status"] == "odd":
        return balance, "unknown"
    return balance, "paid" if balance == 0 else "open" if balance == total else "partially_paid"
