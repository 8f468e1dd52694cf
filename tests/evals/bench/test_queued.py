"""Turns through the queue's workers leave what they must, exactly once, and the figures are of those turns."""

import asyncio
from typing import Any

from evals.bench.place import Place
from evals.bench.queued import soak, turn
from evals.bench.queued.page import queue_page, soak_page
from tests.evals.bench.test_turn import ROWS


def _count(place: Place, what: str) -> int:
    with place.admin() as conn:
        query: Any = f"SELECT count(*) FROM {what}"
        row: Any = conn.execute(query).fetchone()
        return int(row[0])


def test_a_turn_through_the_queue_leaves_its_rows_once_and_no_job(place: Place) -> None:
    result = asyncio.run(turn.measure(place, customers=2, rounds=1, points={1: (1,), 16: (1, 2)}))

    # To warm up, and measured: the first worker's customers talk at both numbers of callers, the second's at one.
    turns = 2 * (3 + 2) + 2 * (3 + 1)
    assert {table: _count(place, table) for table in ROWS} == {
        table: rows * turns for table, rows in ROWS.items()
    }
    assert _count(place, "bench_row") == 2 * 2 * (3 + 2)
    assert _count(place, "procrastinate_jobs") == 0
    assert _count(place, "procrastinate_workers") == 0
    for of in result["callers"].values():
        for figures in of["queued"].values():
            assert all(
                took > 0 for stage, took in figures["stages_ms"].items() if stage != "stored - picked_up"
            )
            assert figures["storing_cpu_ms"]["median"] < figures["process_cpu_ms"]["median"]
    result |= {"command": "dunwell bench turn --queue", "targets": turn.targets(result)}
    assert len(result["targets"]) == 2 * 2
    assert "| 16 | queued, 2 at work |" in queue_page(result)


def test_a_soak_answers_and_sends_every_message_and_samples_memory_as_often_as_it_says(place: Place) -> None:
    result = asyncio.run(soak.measure(place, turns=11, customers=4, every=5, warm_up=5, at_once=2))

    assert [sample["turns"] for sample in result["samples"]] == [5, 10, 11]
    assert result["sent"] == _count(place, "outbox WHERE state = 'delivered'") == 11
    assert _count(place, "episode") == _count(place, "message WHERE handled_at IS NOT NULL") == 11
    assert _count(place, "procrastinate_jobs WHERE task_name = 'turn'") == 0
    assert all(sample["resident_mib"] > 50 for sample in result["samples"])
    result |= {"command": "dunwell bench soak --turns 11", "targets": soak.targets(result)}
    assert "| 10 |" in soak_page(result)


def test_memory_that_grows_is_not_flat_and_its_slope_is_found() -> None:
    samples = [
        {"turns": turns, "bytes": 2**20 * (100 + turns // 1000)} for turns in range(1000, 31_000, 1000)
    ]

    figures = soak.memory(samples, warm_up=2000)

    assert figures["slope_kib"] == figures["slope_second_half_kib"] == 1024.0
    assert figures["growth"] == round(130 / 102, 4)
    assert [target["met"] for target in soak.targets(figures)] == [False]
