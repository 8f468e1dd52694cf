"""Which step an arrangement may take: in the code's table, in the database's, and nowhere else."""

from datetime import timedelta
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg.errors import CheckViolation

from tests.tools.arrangements.books import ZONE, Books
from tests.world import NOW, TODAY
from tools.arrangements.machines import MACHINES, START, Kind, assert_move
from tools.arrangements.plans import add_plan
from tools.arrangements.promises import add_promises, promises_to_settle
from tools.arrangements.requests import add_request, clear_entered, move_request
from tools.arrangements.stops import move_dispute, open_dispute
from tools.dunning.offers import plan_instalments
from tools.errors import CollectionsError, Conflict, Forbidden
from tools.money import Money


def test_the_tables_in_the_database_are_those_of_the_code(worker_database: str) -> None:
    with psycopg.connect(worker_database) as conn:
        stored = set(conn.execute("SELECT kind, before, after FROM arrangement_move").fetchall())
    assert stored == {(kind, *step) for kind, machine in MACHINES.items() for step in machine}


@pytest.fixture
def books(worker_database: str) -> Any:
    opened = Books(worker_database, {"i1": 10_000, "i2": 5_000})
    yield opened
    opened.close()


_INSERTS: dict[Kind, LiteralString] = {
    "promise": """INSERT INTO promise (customer_id, decision_id, position, invoice_ids, amount_minor, currency, due_date, made_at,
                  source, state, settled_at) VALUES ('c', %(decision)s, 0, '{i1}', 5, 'USD', '2026-04-01', %(now)s, 'customer',
                  %(state)s, CASE WHEN %(state)s <> 'open' THEN %(now)s::timestamptz END) RETURNING id::text""",
    "plan": """INSERT INTO payment_plan (id, customer_id, decision_id, invoice_ids, total_minor, currency, state, proposed_by,
               created_at) VALUES ('pl', 'c', %(decision)s, '{i1}', 5, 'USD', %(state)s, 'agent', %(now)s) RETURNING id""",
    "dispute": """INSERT INTO dispute (id, customer_id, decision_id, reason, state, source)
                  VALUES ('d', 'c', %(decision)s, 'price', %(state)s, 'customer') RETURNING id""",
    "ledger_request": """INSERT INTO ledger_request (customer_id, kind, decision_id, invoice_ids, amount_minor, currency, reason, state,
                         proposed_by, proposed_at, approved_by, approved_at, settled_at)
                         VALUES ('c', 'write_off', %(decision)s, '{i1}', 5, 'USD', 'old', %(state)s, 'carla', %(now)s, 'mona', %(now)s,
                         CASE WHEN %(state)s IN ('rejected', 'withdrawn', 'entered') THEN %(now)s::timestamptz END) RETURNING id::text""",
}  # fmt: skip
_UPDATES: dict[Kind, LiteralString] = {
    "promise": "UPDATE promise SET state = %(state)s, settled_at = CASE WHEN %(state)s <> 'open' THEN %(now)s::timestamptz END",
    "plan": "UPDATE payment_plan SET state = %(state)s",
    "dispute": "UPDATE dispute SET state = %(state)s",
    "ledger_request": """UPDATE ledger_request SET state = %(state)s,
        settled_at = CASE WHEN %(state)s IN ('rejected', 'withdrawn', 'entered') THEN %(now)s::timestamptz END""",
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(_INSERTS))
def test_the_database_refuses_every_step_that_is_not_in_the_table(books: Books, kind: Kind) -> None:
    """All pairs of states, as the owner, who may begin anywhere but may not jump either; as the agent from the start only."""
    machine = MACHINES[kind]
    states = {state for step in machine for state in step} - {START}
    plan_total: LiteralString = "INSERT INTO plan_instalment VALUES ('pl', 'c', 1, '2026-04-01', 5)"

    def insert(state: str) -> str:
        async def begin() -> str:
            await books.conn.execute("SET CONSTRAINTS ALL DEFERRED")
            row = await (
                await books.conn.execute(_INSERTS[kind], {"state": state, "decision": decision, "now": NOW})
            ).fetchone()
            if kind == "plan":
                await books.conn.execute(plan_total)
            await books.conn.execute("SET CONSTRAINTS ALL IMMEDIATE")
            return str(row and row[0])

        return str(books.do(begin()))

    decision = books.permit().decision_id
    refused: str | None = "arrangement_moves"
    for before in sorted(states):
        for after in sorted(states - {before}):
            books.do(books.conn.execute("SAVEPOINT one"))
            insert(before)
            try:
                books.do(books.conn.execute(_UPDATES[kind], {"state": after, "now": NOW}))
                made = True
            except CheckViolation as violation:
                made, refused = False, violation.diag.constraint_name
            books.do(books.conn.execute("ROLLBACK TO one"))
            assert made == ((before, after) in machine), (before, after)
            assert refused == "arrangement_moves"
    for state in sorted(states):
        books.do(books.conn.execute("SAVEPOINT one"))
        books.do(
            books.conn.execute(
                "SELECT set_config('role', 'dunwell_agent', true), set_config('app.customer_id', 'c', true)"
            )
        )
        try:
            insert(state)
            made = True
        except CheckViolation as violation:
            made, refused = False, violation.diag.constraint_name
        books.do(books.conn.execute("ROLLBACK TO one"))
        assert made == ((START, state) in machine), state
        assert refused == "arrangement_moves"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE promise SET amount_minor = 4", "UPDATE promise SET due_date = '2027-01-01'", "UPDATE promise SET invoice_ids = '{i2}'",
        "UPDATE payment_plan SET total_minor = 4", "UPDATE plan_instalment SET amount_minor = amount_minor + 1",
        "UPDATE plan_instalment SET due_date = '2027-01-01'", "UPDATE ledger_request SET amount_minor = 1",
        "UPDATE ledger_request SET approved_by = 'carla', approved_at = proposed_at", "UPDATE promise SET paid_minor = 3",
        "UPDATE promise SET state = 'kept', paid_minor = 4, settled_at = made_at", "UPDATE promise SET settled_at = made_at",
        "UPDATE promise SET state = 'broken', paid_minor = 1, settled_at = made_at",
    ],
)  # fmt: skip
def test_what_was_agreed_on_does_not_change(books: Books, change: LiteralString) -> None:
    permit, other, third = books.permit(), books.permit(), books.permit()
    money, day = Money(500, "USD"), TODAY + timedelta(days=9)
    books.narrowed(
        add_promises(books.conn, permit, payments=[(money, day)], invoice_ids=["i1"], message_id=None, source="customer", zone=ZONE, now=NOW)
    )  # fmt: skip
    books.narrowed(
        add_plan(
            books.conn, other, invoice_ids=["i1"], instalments=plan_instalments(money, 3, "month", day), currency="USD",
            proposed_by="agent", approved_by="mona", zone=ZONE, now=NOW,
        )
    )  # fmt: skip
    books.narrowed(
        add_request(
            books.conn, customer_id="c", kind="write_off", invoice_ids=["i1"], amount=money, reason="old", proposed_by="carla",
            approved_by=None, decision_id=third.decision_id, now=NOW,
        )
    )  # fmt: skip
    with pytest.raises(CheckViolation):
        books.do(books.conn.execute(change))


def test_a_payment_of_the_same_morning_keeps_no_promise_of_the_afternoon(books: Books) -> None:
    books.pay("i1", 4_000, TODAY, "ach", 1)
    part = [(Money(4_000, "USD"), TODAY + timedelta(days=3))]
    books.narrowed(
        add_promises(books.conn, books.permit(), payments=part, invoice_ids=["i1"], message_id=None, source="customer", zone=ZONE, now=NOW)
    )  # fmt: skip
    asked: dict[str, Any] = {
        "today": TODAY + timedelta(days=4),
        "zone": ZONE,
        "grace_days": 1,
        "float_days": 5,
        "limit": 9,
    }
    [due] = books.narrowed(promises_to_settle(books.conn, **asked))
    assert (due.outcome, due.paid_minor) == ("broken", 0)


def test_one_payment_does_not_keep_two_parts_of_a_promise(books: Books) -> None:
    """Two payments of 40.00 are promised and 50.00 come: the first is kept, the second partly."""
    parts = [(Money(4_000, "USD"), TODAY + timedelta(days=n)) for n in (2, 6)]
    books.narrowed(
        add_promises(books.conn, books.permit(), payments=parts, invoice_ids=["i1"], message_id=None, source="customer", zone=ZONE, now=NOW)
    )  # fmt: skip
    books.pay("i1", 5_000, TODAY + timedelta(days=1), "ach", 1)
    asked: dict[str, Any] = {
        "today": TODAY + timedelta(days=7),
        "zone": ZONE,
        "grace_days": 1,
        "float_days": 5,
        "limit": 9,
    }
    due = books.narrowed(promises_to_settle(books.conn, **asked))
    assert [(one.outcome, one.paid_minor) for one in due] == [("kept", 4_000), ("partial", 1_000)]


@pytest.mark.parametrize(
    ("cheque", "days", "settled"), [(False, 1, True), (True, 1, False), (True, 5, False), (True, 6, True)]
)
def test_a_promise_of_who_pays_by_mail_is_broken_after_the_float_days(
    books: Books, cheque: bool, days: int, settled: bool
) -> None:
    books.pay("i2", 100, TODAY - timedelta(days=20), "check" if cheque else "card", 1)
    parts = [(Money(4_000, "USD"), TODAY + timedelta(days=2))]
    books.narrowed(
        add_promises(books.conn, books.permit(), payments=parts, invoice_ids=["i1"], message_id=None, source="customer", zone=ZONE, now=NOW)
    )  # fmt: skip
    asked: dict[str, Any] = {
        "today": TODAY + timedelta(days=2 + days),
        "zone": ZONE,
        "grace_days": 1,
        "float_days": 5,
        "limit": 9,
    }
    assert bool(books.narrowed(promises_to_settle(books.conn, **asked))) == settled


def test_a_dispute_ends_once_and_the_ledgers_own_is_the_ledgers(books: Books) -> None:
    identity = books.narrowed(
        open_dispute(books.conn, books.permit(), invoice_ids=["i1"], reason="price", amount=Money(100, "USD"), source="customer", now=NOW)
    )  # fmt: skip
    steps = [("under_review", True), ("under_review", False), ("resolved_for_us", True), ("withdrawn", False)]
    for state, moved in steps:
        done = move_dispute(books.conn, dispute_id=identity, state=state, outcome="looked at", now=NOW)  # type: ignore[arg-type]  # a table of states
        assert books.narrowed(done) == moved, state
    books.do(
        books.conn.execute(
            "INSERT INTO dispute (id, customer_id, reason, source) VALUES ('led', 'c', 'price', 'ledger')"
        )
    )
    assert not books.narrowed(
        move_dispute(books.conn, dispute_id="led", state="withdrawn", outcome="", now=NOW)
    )


def test_a_write_off_is_entered_when_the_ledger_shows_it_and_not_before(books: Books) -> None:
    add = add_request(
        books.conn, customer_id="c", kind="write_off", invoice_ids=["i1"], amount=Money(10_000, "USD"), reason="old",
        proposed_by="carla", approved_by=None, decision_id=None, now=NOW,
    )  # fmt: skip
    identity = books.narrowed(add)
    books.do(books.conn.execute("UPDATE invoice SET ledger_state = 'written_off' WHERE id = 'i1'"))
    assert books.narrowed(clear_entered(books.conn, customer_id="c", now=NOW)) == []
    assert books.narrowed(move_request(books.conn, request_id=identity, state="approved", by="mona", now=NOW))
    assert books.narrowed(clear_entered(books.conn, customer_id="c", now=NOW)) == [identity]
    assert not books.narrowed(
        move_request(books.conn, request_id=identity, state="withdrawn", by="mona", now=NOW)
    )


def test_who_may_make_which_step_is_in_the_table() -> None:
    for kind, machine in MACHINES.items():
        for before, after in machine:
            for mover in ("system", "collector", "manager"):
                allowed = mover in machine[before, after] or (
                    mover == "manager" and "collector" in machine[before, after]
                )
                try:
                    assert_move(kind, before, after, mover)
                    assert allowed
                except Forbidden:
                    assert not allowed
    for step in (("kept", "open"), ("open", "open"), ("open", "nonsense")):
        with pytest.raises(CollectionsError):
            assert_move("promise", *step, "manager")
    with pytest.raises(Conflict):
        assert_move("plan", "completed", "active", "system")
