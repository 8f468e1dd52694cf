"""What customers send is stored once and answered once, whatever is beside it, and the benchmarks count exactly that."""

import asyncio
from typing import Any

import pytest

from evals.bench.inbound import ack, isolation
from evals.bench.inbound.page import ack_page, isolation_page
from evals.bench.place import Place

pytestmark = pytest.mark.enable_socket  # a benchmark's server is asked over the loopback


def _count(place: Place, what: str) -> int:
    with place.admin() as conn:
        query: Any = f"SELECT count(*) FROM {what}"
        row: Any = conn.execute(query).fetchone()
        return int(row[0])


def test_every_acknowledged_message_is_stored_once_and_answered_however_often_it_is_delivered(
    place: Place,
) -> None:
    result = asyncio.run(ack.measure(place, rate=44, seconds=1, pick_ups=3))

    # Warm-up: two seconds of eleven, one of them (the 21st) again. Load: forty-four, the 21st and the 41st again.
    warm, load = 22 - 1, 44 - 2
    assert (result["sent"], result["sent_twice"], result["stored_new"]) == (44, 2, load)
    assert result["error_kinds"] == []
    assert result["messages_stored"] == result["jobs_stored"] == result["handled"] == warm + load
    assert result["duplicates_exact"]
    assert result["lost_or_doubled"] == 0
    assert (result["episodes"], result["left_unhandled"]) == (warm + load, 0)
    assert _count(place, "message WHERE direction = 'in'") == _count(place, "episode") == warm + load + 3
    result |= {"command": "dunwell bench ack", "targets": ack.targets(result)}
    assert [t["met"] for t in result["targets"]][1:4] == [True] * 3
    assert "| 44 | 2 | 0 | 42 | 63 | 63 | 63 | 0 | 63 |" in ack_page(result)


def test_messages_beside_a_backlog_and_a_cycle_are_all_answered_once(place: Place) -> None:
    result = asyncio.run(isolation.measure(place, planned=60, backlog=5, messages=4, rate=20.0))

    assert [result[name]["finished"] for name in ("alone", "beside_backlog", "during_cycle")] == [4] * 3
    assert _count(place, "message WHERE direction = 'in' AND handled_at IS NOT NULL") == 40 + 3 * 4 + 5
    assert result["cycle"]["deferred_before"] == 60  # one window takes them all
    # Every step is done or still planned, and none has two episodes.
    steps = _count(place, "cycle_step")
    done = _count(place, "episode WHERE turn_key LIKE 'ladder:%'")
    assert done == _count(
        place, "outbox o JOIN episode e ON e.id = o.episode_id WHERE e.turn_key LIKE 'ladder:%'"
    )
    assert steps + done >= 60
    result |= {"command": "dunwell bench queue", "targets": isolation.targets(result)}
    assert len(result["targets"]) == 3
    assert "| a cycle of 60 customers | 4 |" in isolation_page(result)
