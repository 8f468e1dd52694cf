"""Both senders send everything once, what got no answer is asked for and found, and a claim takes what it is to take."""

import asyncio

from evals.bench import send
from evals.bench.place import Place, circumstances
from evals.bench.send.claims import measure_claims
from evals.bench.send.page import send_page
from evals.bench.send.rate import WARM_UP, measure_rate

_MESSAGES, _ROUNDS = 40, 2
_LOST = 2  # of forty calls, as the dice fall


def test_everything_is_sent_once_and_what_got_no_answer_is_found_at_the_provider(place: Place) -> None:
    found = asyncio.run(measure_rate(place, messages=_MESSAGES, rounds=_ROUNDS))

    for sender in ("dunwell", "naive"):
        for case, unknown in (("instant", 0), ("timeouts", _LOST)):
            for one in found[sender][case]:
                counts = {
                    what: one[what]
                    for what in ("messages", "calls", "sent", "unknown", "found", "left", "twice")
                }
                assert counts == {
                    "messages": _MESSAGES, "calls": _MESSAGES, "sent": _MESSAGES, "unknown": unknown, "found": unknown,
                    "left": 0, "twice": 0,
                }, (sender, case)  # fmt: skip
    with place.admin() as conn:
        rows = conn.execute(
            "SELECT state, attempts, count(*) FROM outbox GROUP BY 1, 2 ORDER BY 1, 2"
        ).fetchall()
    ours = _MESSAGES * _ROUNDS * 2
    assert rows == [("sent", 0, ours), ("sent", 1, ours + WARM_UP)]  # the naive one counts no attempts


def test_a_claim_takes_its_rows_from_a_short_and_from_a_long_queue(place: Place) -> None:
    claims = asyncio.run(measure_claims(place, short=1000, long=1500))

    assert (claims["short"], claims["long"], claims["batch"], claims["claims"]) == (1000, 1500, 16, 50)
    with place.admin() as conn:
        rows = conn.execute(
            "SELECT state, count(*) FROM outbox WHERE channel = 'sms' GROUP BY 1 ORDER BY 1"
        ).fetchall()
    assert rows == [("queued", 1500 - 60 * 16), ("sending", 60 * 16), ("withdrawn", 1000)]

    one = {"per_second": 600.0, "python_ms": 1.0, "postgres_ms": 1.0, "messages": 40, "calls": 40, "sent": 40, "unknown": 0,
           "found": 0, "left": 0, "twice": 0}  # fmt: skip
    slow = one | {"per_second": 300.0, "twice": 1}
    found = {
        "dunwell": {"instant": [one, one], "timeouts": [one, slow]},
        "naive": {"instant": [one], "timeouts": [slow]},
    }
    result = send.summary(found) | {
        "messages": 40, "rounds": 2, "warm_up": 0, "lost_share": 0.02, "claims": claims | {"ratio": 1.5},
        "machine": circumstances(place), "command": "dunwell bench send",
    }  # fmt: skip
    result["targets"] = send.targets(result)
    assert [(t["is"], t["met"]) for t in result["targets"]] == [
        (600.0, True),
        (0.75, False),
        (1.5, True),
        (1, False),
        (0, True),
    ]
    assert "| naive | 2% timeouts | 40 |" in send_page(result)
