"""A synthetic portfolio: what a plan is measured on. A quarter as many customers as open invoices, and as many paid ones."""

import psycopg
from psycopg import ClientCursor

from agent.policy.document import Policy, parse_policy
from evals.bench.people import NOW, TODAY
from evals.bench.place import Place
from tools import sql

QUERIES = sql.load("evals.bench.portfolio")
_BLOCKS = ("customers", "invoices", "touches", "stops")


def policy() -> Policy:
    """The packaged policy with a second segment, to which a quarter of the customers belongs."""
    return parse_policy('extends = "default"\n[segments.key]\nmode = "assisted"\n')


def load(place: Place, open_invoices: int, *, checked: bool = False) -> None:
    """Fill the empty database and take its statistics.

    Without `checked` neither foreign keys nor sums are looked at while it loads, to save time; a test loads the same blocks
    with everything checked.
    """
    given = {"now": NOW, "today": TODAY, "customers": open_invoices // 4, "open": open_invoices}
    with place.admin() as conn:
        conn.execute("SET synchronous_commit = off")
        if not checked:
            conn.execute("SET session_replication_role = replica")
        cursor = ClientCursor[psycopg.rows.TupleRow](conn)  # several commands with parameters in one block
        for block in _BLOCKS:
            cursor.execute(QUERIES[block], given)
        conn.execute("VACUUM ANALYZE")
