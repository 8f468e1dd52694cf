"""The portfolio that a plan is measured on is a true one, and the benchmark counts what is in it."""

import asyncio
from typing import Any

from evals.bench import cycle, portfolio
from evals.bench.page import cycle_page
from evals.bench.place import Place


def _all(place: Place, query: Any) -> list[Any]:
    with place.admin() as conn:
        return conn.execute(query).fetchall()


def test_a_portfolio_loads_with_every_key_and_every_sum_checked(place: Place) -> None:
    portfolio.load(place, 2000, checked=True)

    assert _all(place, portfolio.QUERIES["owed"])[0][0] == 2000
    assert _all(place, "SELECT count(*) FROM customer") == [(500,)]
    assert _all(place, "SELECT count(*) FROM invoice WHERE ledger_state = 'paid'") == [(2000,)]
    empty = [
        table
        for table in (
            "dispute_invoice",
            "hold",
            "promise",
            "payment_plan",
            "suppression",
            "approval",
            "outbox",
            "ladder_step_ran",
        )
        if _all(place, f"SELECT count(*) FROM {table}") == [(0,)]
    ]
    assert empty == []


def test_every_customer_is_planned_in_every_round_and_nothing_is_kept(place: Place) -> None:
    portfolio.load(place, 400)

    size = asyncio.run(cycle.plan_in_rounds(place, 400, rounds=2)).as_json()

    assert size["planned"] == 100
    assert 0 < size["triggers"] <= 100
    assert size["resident_mib"]["low"] > 1
    assert _all(place, "SELECT count(*) FROM risk_score") == [(0,)]
    assert _all(place, "SELECT DISTINCT risk_tier FROM customer") == [("unscored",)]


def test_the_page_says_which_targets_were_missed() -> None:
    spread = {"median": 6.0, "low": 5.0, "high": 7.0}
    size = {
        "open_invoices": 400, "planned": 100, "triggers": 5, "cpu_us_per_invoice": 2.0, "resident_mib": spread,
        "private_mib": spread, "seconds": dict.fromkeys(("scan", "group", "plan", "read", "keep", "keep_again"), spread),
        "cpu_seconds": dict.fromkeys(("plan", "keep", "keep_again"), spread),
    }  # fmt: skip
    machine = {"cores": 2, "load_1m": 0.1, "python": "3", "postgres": {}}
    result = {
        "command": "dunwell bench cycle", "rounds": 1, "sizes": [size], "machine": machine, "targets": cycle.targets([size]),
    }  # fmt: skip

    shown = cycle_page(result)

    assert "| seconds of the plan | 6.0 | 5.0 | **no** |" in shown
    assert "| MiB resident | 7.0 | 300.0 | yes |" in shown
