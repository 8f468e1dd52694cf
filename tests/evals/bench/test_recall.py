"""A search of ours misses nothing that an exact look finds; the store beside it holds the same messages."""

import asyncio

from evals.bench import conversations, recall
from evals.bench.place import Place


def test_customers_share_the_messages_and_have_as_many_as_they_should(place: Place) -> None:
    held = conversations.load(place, 1000, [10, 50, 200])

    assert {length: len(of) for length, of in held.customers.items()} == {200: 1, 50: 3, 10: 65}
    assert {len(held.messages[customer]) for customer in held.customers[50]} == {50}
    with place.admin() as conn:
        stored = conn.execute(
            "SELECT customer_id, count(*) FROM message WHERE embedding IS NOT NULL GROUP BY 1"
        )
        assert dict(stored.fetchall()) == {customer: len(ids) for customer, ids in held.messages.items()}


def test_ours_misses_nothing_and_every_way_answers(place: Place) -> None:
    result = asyncio.run(recall.measure(place, messages=1000, lengths=[10, 50, 200], questions=4, rounds=1))

    for ways in result["lengths"].values():
        assert ways["nearest"]["recall"] == 1.0
        assert ways["nearest"]["short"] == 0
        assert {of["asked"] for of in ways.values()} == {4}
        assert ways["store"]["recall"] > 0
    assert all("message" in " ".join(plan["dunwell"]) for plan in result["plans"].values())
    assert all("store" in " ".join(plan["store"]) for plan in result["plans"].values())
    assert [facts["back"] for facts in result["planted"]] == [10, 100, 1000]
    missed = {
        row["target"]: row["met"] for row in recall.targets(result) if row["target"].startswith("recall")
    }
    assert set(missed.values()) == {True}
