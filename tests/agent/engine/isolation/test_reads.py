"""A narrowed connection tells nothing of anybody else, whatever it is asked and whatever the customers are called."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from agent.engine.narrow import one_customer
from server import db
from server.embedded import Server
from tests.agent.engine.isolation.books import HOSTILE_IDS, NOBODY, fill
from tests.agent.engine.isolation.page import page
from tests.agent.engine.isolation.reads import (
    ERRORS,
    NOTHING,
    SHAPES,
    Customer,
    Reads,
    customers,
    product_reads,
)
from tests.agent.engine.isolation.run import Outcome, ask, ask_all
from tests.proofs import proof_size

PAGE = Path(__file__).parents[4] / "infra" / "measured" / "isolation.md"
SAMPLE, FULL = 4000, 1_000_000


@dataclass(frozen=True)
class Books:
    """A database in which everybody has rows in every table."""

    conninfo: str
    owners: dict[str, str]
    known: list[Customer]


@pytest.fixture
def books(server: Server, database: str) -> Iterator[Books]:
    name = psycopg.conninfo.conninfo_to_dict(database)["dbname"]
    with psycopg.connect(server.admin_conninfo(), autocommit=True, dbname=name) as admin:
        owners = fill(admin, HOSTILE_IDS)
        yield Books(database, owners, customers(admin, owners))


@pytest.mark.proof
async def test_no_read_of_a_narrowed_connection_finds_a_row_of_anybody_else(
    books: Books, record_property: Callable[[str, object], None]
) -> None:
    count = proof_size(test=SAMPLE, prove=FULL)
    if count == FULL:
        outcome = ask_all(books.conninfo, books.owners, books.known, count)
    else:
        outcome = await ask(books.conninfo, Reads(books.owners, books.known, 1), count)
    record_property("cases", outcome.reads.total())
    assert outcome.reads.total() == count
    assert outcome.foreign.total() == 0, outcome.foreign
    # Not because nothing was asked, nor because nobody sees anything.
    assert set(outcome.reads) == {*SHAPES, *NOTHING, *ERRORS, *product_reads()}
    assert outcome.by_nobody > 0
    for kinds in (("all", "like", "or true", "whole row", "as json", "cast"), product_reads()):
        assert sum(outcome.own[kind] for kind in kinds) > 20
    if count == FULL:
        PAGE.write_text(page(outcome, len(books.owners)), "utf-8")


async def test_the_scan_would_see_a_foreign_row(books: Books) -> None:
    """The same reads by the role that serves the whole portfolio: every kind of them finds others', so that any could fail."""
    reads, [me, *others] = Reads(books.owners, books.known, 2), books.known
    async with db.open_pool(books.conninfo, min_size=1, max_size=1) as pool, pool.connection() as conn:
        for shape in {**SHAPES, **NOTHING}:
            outcome = Outcome()
            for table in ("contact", "message"):
                read = reads.raw(shape, table, me, others[0])
                cursor = await conn.execute(read.query, dict(read.given))
                outcome.look(me, read, await cursor.fetchall())
            assert outcome.foreign[shape] > 0, shape


async def test_a_name_that_nobody_has_sees_nothing_or_is_refused(books: Books) -> None:
    refused = []
    readable = [table for table in books.owners if table != "audit_anchor_head"]
    async with db.open_pool(books.conninfo, min_size=1, max_size=1) as pool:
        for name in NOBODY:
            try:
                async with one_customer(pool, name) as conn:
                    for table in readable:
                        cursor = await conn.execute(f"SELECT count(*) FROM {table}")
                        assert await cursor.fetchone() == (0,), (name, table)
            except psycopg.DataError:
                refused.append(name)
    assert refused == [name for name in NOBODY if "\x00" in name]
