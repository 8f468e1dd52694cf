"""The three configurations do what their turn promises, and what the benchmark counts is what was done."""

import asyncio
from typing import Any

from evals.bench import growth, turn
from evals.bench.page import growth_page, turn_page
from evals.bench.people import settle
from evals.bench.place import Place

# Of dunwell and of the floor; a customer's turn leaves as many rows in each.
ROWS = {
    "message": 2, "episode": 1, "fence": 1, "decision": 2, "promise": 1, "standing_fact": 1, "outbox": 1,
    "activity_log": 3,
}  # fmt: skip


def _rows(place: Place, table: str, customer: str) -> int:
    with place.admin() as conn:
        query: Any = f"SELECT count(*) FROM {table} WHERE customer_id = %s"
        row: Any = conn.execute(query, [customer]).fetchone()
        return int(row[0])


def test_every_configuration_leaves_its_rows_and_its_statements_are_counted(place: Place) -> None:
    result = asyncio.run(turn.measure(place, customers=2, rounds=1, at_once=(1, 2)))

    turns = 3 + 2 + 2  # to warm up, measured, and counted
    for customer in ("c1", "c2", "c5", "c6"):
        assert {table: _rows(place, table, customer) for table in ROWS} == {
            table: rows * turns for table, rows in ROWS.items()
        }
    assert [_rows(place, "bench_row", customer) for customer in ("c3", "c4")] == [2 * turns] * 2
    counts = result["counts"]
    assert counts["dunwell"] == counts["floor"]
    # Stored with its job, read, remembered, committed, what waits for approval, the job dropped.
    assert counts["dunwell"]["commits"] == 6
    assert counts["dunwell"]["statements"] <= 40
    assert counts["default"]["commits"] > counts["dunwell"]["commits"]
    result |= {"command": "dunwell bench turn", "targets": turn.targets(result)}
    assert len(result["targets"]) == 4
    assert "| 2 | floor |" in turn_page(result)


def test_a_long_conversation_keeps_our_prompt_within_its_bound_and_not_the_default_stacks(
    place: Place,
) -> None:
    result = asyncio.run(growth.measure(place, lengths=[1, 4], default_lengths=[1, 12], turns=2))

    ours, theirs = (result["lengths"][name] for name in ("dunwell", "default"))
    assert _rows(place, "message", "c2") == 2 * (4 + 2)
    assert max(figures["prompt_tokens"] for figures in ours.values()) <= 4000
    assert theirs[12]["prompt_tokens"] > theirs[1]["prompt_tokens"] + 11 * 100
    result |= {"command": "dunwell bench growth", "targets": growth.targets(result)}
    assert "| default | 12 |" in growth_page(result)


def test_customers_of_a_benchmark_have_accounts_that_add_up(place: Place) -> None:
    callers = settle(place, 3)

    assert [caller.customer_id for caller in callers] == ["c1", "c2", "c3"]
    with place.admin() as conn:
        open_invoices = conn.execute(
            "SELECT customer_id, count(*), sum(balance_minor) FROM invoice WHERE balance_minor > 0 GROUP BY 1 ORDER BY 1"
        ).fetchall()
    assert open_invoices == [(caller.customer_id, 3, 45_000) for caller in callers]
