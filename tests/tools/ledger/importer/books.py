"""A small set of books for the importer's tests: plain columns, one mapping, and what the tables then hold."""

import csv
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, LiteralString

from server.db import Connection
from tools.ledger.importer import ImportReport, Mapping, import_ledger

NOW = datetime(2026, 11, 17, 16, tzinfo=UTC)

COLUMNS = {
    "customers": "id,name,terms_days,owner,currency",
    "contacts": "id,customer_id,channel,address,opted_out_at",
    "invoices": "id,number,customer_id,issue_date,due_date,total,balance,status,settled_on,disputed,currency",
    "payments": "id,customer_id,invoice,paid_on,amount,applied,status",
    "credits": "id,number,customer_id,invoice,issue_date,amount,applied",
    "disputes": "id,invoice,reason,state,opened_at",
}
STATUS = '\n[invoices.values.status]\n"" = "open"\nOverdue = "open"\nVoided = "void"\nPaid = "paid"\n'


def mapping(*entities: str) -> Mapping:
    """A mapping of these entities (all by default); columns are called what we call them."""
    text = 'ext_system = "books"\ncurrency = "USD"\n'
    for entity in entities or COLUMNS:
        text += f'[{entity}]\nfile = "{entity}.csv"\n[{entity}.columns]\n'
        text += "".join(f'{column} = "{column}"\n' for column in COLUMNS[entity].split(","))
        if entity == "invoices":
            text += STATUS
    return Mapping.parse(text)


def write(folder: Path, entity: str, *rows: dict[str, str]) -> None:
    """Write the entity's file: a header, and one line a row."""
    with (folder / f"{entity}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS[entity].split(","), restval="")
        writer.writeheader()
        writer.writerows(rows)


def customer(identity: str = "K1", **more: str) -> dict[str, str]:
    return {"id": identity, "name": "Amara Okonkwo", "owner": "dana", **more}


def contact(customer_id: str = "K1", **more: str) -> dict[str, str]:
    return {
        "customer_id": customer_id,
        "channel": "email",
        "address": f"{customer_id}@example.com".lower(),
        **more,
    }


def invoice(identity: str = "I1", **more: str) -> dict[str, str]:
    given = {"number": identity, "customer_id": "K1", "issue_date": "2026-10-01", "due_date": "2026-10-31"}
    return {"id": identity, **given, "total": "100.00", **more}


def payment(identity: str = "P1", **more: str) -> dict[str, str]:
    given = {"customer_id": "K1", "invoice": "I1", "paid_on": "2026-11-02", "amount": "40.00"}
    return {"id": identity, **given, "status": "succeeded", **more}


async def run(conn: Connection, folder: Path, *entities: str, now: datetime = NOW) -> ImportReport:
    """Import the files of these entities: by default those that are there."""
    there = entities or tuple(e for e in COLUMNS if (folder / f"{e}.csv").exists())
    return await import_ledger(conn, folder, mapping(*there), now=now, imported_by="test")


_TABLES: Sequence[LiteralString] = (
    "customer",
    "contact",
    "invoice",
    "payment",
    "credit_memo",
    "allocation",
    "dispute",
    "dispute_invoice",
    "ledger_event",
    "outbox",
)


async def everything(conn: Connection) -> dict[str, list[Any]]:
    """Every row of the ledger's tables, without when it was fetched."""
    found: dict[str, list[Any]] = {}
    for table in _TABLES:
        rows = await conn.execute(f"SELECT to_jsonb(t) - 'ext_fetched_at' FROM {table} t ORDER BY 1")
        found[table] = [row[0] for row in await rows.fetchall()]
    return found


async def balances(conn: Connection) -> dict[str, tuple[int, str]]:
    """Balance and state of each invoice."""
    rows = await conn.execute("SELECT id, balance_minor, ledger_state FROM invoice")
    return {row[0]: (row[1], row[2]) for row in await rows.fetchall()}


async def out_of_balance(conn: Connection) -> list[Any]:
    """Invoices whose allocations and balance do not add up to the total; receipts that give more than they have."""
    rows = await conn.execute(
        """SELECT i.id FROM invoice i LEFT JOIN allocation a ON a.invoice_id = i.id GROUP BY i.id
           HAVING coalesce(sum(a.amount_minor), 0) + i.balance_minor <> i.total_minor
            UNION ALL
           SELECT p.id FROM payment p LEFT JOIN allocation a ON a.payment_id = p.id WHERE p.status = 'succeeded'
            GROUP BY p.id HAVING coalesce(sum(a.amount_minor), 0) + p.unapplied_minor <> p.amount_minor
            UNION ALL
           SELECT c.id FROM credit_memo c LEFT JOIN allocation a ON a.credit_memo_id = c.id
            GROUP BY c.id HAVING coalesce(sum(a.amount_minor), 0) + c.remaining_minor <> c.total_minor"""
    )
    return await rows.fetchall()
