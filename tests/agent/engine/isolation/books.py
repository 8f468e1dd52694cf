"""Books in which a foreign row cannot be missed: in every table every customer has rows that carry the customer's mark.

The tables, their columns and the words that a column may hold come from the database's own catalogs, so that a table of
tomorrow is filled like those of today.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import count
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

Admin = psycopg.Connection[tuple[Any, ...]]
# Ids that look like each other, like a pattern, like SQL, like nothing; one that a table's index just takes.
HOSTILE_IDS = (
    "12", "123", "1", "12 ", " 12", "012", "１２", "%", "_", "__", "1%", "1_3", "a.b", "a_b", "a-b", "acme", "Acme", "acme.",
    "асme", "acmé", "acme\u0301", "ac\u200bme", "ﬁrm", "firm", "' OR '1'='1", "'; --", "\\", "\\'", '"', "$1", "%s", "%(customer_id)s", "{}", "NULL",
    "app.customer_id", "dunwell", " ", "\n", "x" * 2000, "x" * 1999,
)  # fmt: skip
NOBODY = (
    "",
    "\x00",
    "12\x00",
    "1234",
    "124",
    "ACME",
    "x" * 100_000,
    "acme\x00' OR true --",
)  # names of no customer, or of none that fits
MARK = re.compile(r"zq(\d+)qz")
AT, DAY = datetime.fromisoformat("2026-03-09T16:00:00+00:00"), date(2026, 3, 9)
_ROWS = 3

_COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, NULL), t.typcategory::text, t.typelem::regtype::text,
       CASE WHEN a.attlen = -1 AND a.atttypmod > 4 AND t.typname = 'bpchar' THEN a.atttypmod - 4 END
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
   AND NOT a.attisdropped AND a.attgenerated = ''
   AND (c.relname = 'customer' OR EXISTS (SELECT FROM pg_attribute o WHERE o.attrelid = c.oid AND o.attname = 'customer_id'))
 ORDER BY c.relname, a.attnum
"""
_BOUNDS = """
SELECT conrelid::regclass::text, conname, contype::text, pg_get_constraintdef(oid) FROM pg_constraint
 WHERE contype IN ('c', 'f') AND connamespace = 'public'::regnamespace
"""
_ONE_OF = re.compile(r"^CHECK \(\((\w+) = ANY \(ARRAY\[(.*)\]\)\)\)$")


@dataclass(frozen=True)
class Column:
    """A column of a table, and the words that it may hold, if they are told."""

    name: str
    type: str
    category: str
    element: str
    length: int | None
    words: Sequence[str]


def mark(number: int) -> str:
    """What stands in every text of that customer."""
    return f"zq{number}qz"


def fill(admin: Admin, ids: Sequence[str]) -> dict[str, str]:
    """Give each of these customers rows in every table that holds anything of theirs; the tables, with the column of the owner.

    Runs as a superuser: what ties rows to each other is taken away, because what is put to the test is who sees them.
    """
    tables = _tables(admin)
    owners = {table: "id" if table == "customer" else "customer_id" for table in tables}
    numbers = count(1_000_000)
    with admin.transaction():
        for table, name, _, _ in admin.execute(_BOUNDS).fetchall():
            drop = sql.SQL("ALTER TABLE {} DROP CONSTRAINT IF EXISTS {} CASCADE")
            admin.execute(drop.format(sql.Identifier(table), sql.Identifier(name)))
        admin.execute("SET LOCAL session_replication_role = replica")
        for table, columns in tables.items():
            insert = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})").format(
                sql.Identifier(table), sql.SQL(", ").join(sql.Identifier(c.name) for c in columns),
                sql.SQL(", ").join(sql.Placeholder() for _ in columns),
            )  # fmt: skip
            rows = (
                [_value(c, owners[table], customer, number, row, next(numbers)) for c in columns]
                for number, customer in enumerate(ids)
                for row in range(1 if table in ("customer", "activity_head") else _ROWS)
            )
            admin.cursor().executemany(insert, list(rows))
        admin.execute("ANALYZE")
    return owners


def _tables(admin: Admin) -> dict[str, list[Column]]:
    words = {
        (table, found.group(1)): re.findall(r"'([^']+)'::text", found.group(2))
        for table, _, _, definition in admin.execute(_BOUNDS).fetchall()
        if (found := _ONE_OF.match(definition))
    }
    tables: dict[str, list[Column]] = {}
    for table, name, kind, category, element, length in admin.execute(_COLUMNS).fetchall():
        column = Column(name, kind, category, element, length, words.get((table, name), ()))
        tables.setdefault(table, []).append(column)
    return tables


def _value(column: Column, owner: str, customer: str, number: int, row: int, unique: int) -> Any:
    if column.name == owner:
        return customer
    if column.words:
        return column.words[row % len(column.words)]
    if column.length is not None:
        return "USD"[: column.length]
    text = f"{mark(number)} {unique}"
    known = {
        "json": Jsonb({"said": text}),
        "bytea": text.encode(),
        "halfvec": "[1,0]",
        "smallint": row,
        "date": DAY,
    }
    known["jsonb"] = known["json"]
    if column.name == "embedding_model":
        return "none"
    # A kind of type that is not known here is a KeyError: whoever adds one says what stands in it.
    of_a_kind = {
        "S": text,
        "N": unique,
        "B": True,
        "D": AT,
        "A": [text if column.element == "text" else unique],
    }
    return known[column.type] if column.type in known else of_a_kind[column.category]


def foreign(told: object, number: int) -> Iterator[str]:
    """The marks of other customers in what a read of customer `number` was told."""
    return (found.group() for found in MARK.finditer(str(told)) if int(found.group(1)) != number)
