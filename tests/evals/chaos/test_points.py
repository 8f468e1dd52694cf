"""The failpoints: each has one name and one place, and is in the matrix without anybody adding it."""

from collections import Counter

from evals.chaos.points import names, places


def test_every_failpoint_has_a_literal_name_of_its_own() -> None:
    found = places()
    assert [place for place in found if place.name is None] == []
    counted = Counter(place.name for place in found)
    assert {name: [p.where for p in found if p.name == name] for name, n in counted.items() if n > 1} == {}


def test_the_matrix_has_every_failpoint_of_the_source() -> None:
    assert names() == sorted(str(place.name) for place in places())
    assert {"episode.before_commit", "approval.claimed", "sender.called", "worker.fetched"} <= set(names())
