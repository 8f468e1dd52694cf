"""The benchmark of the proof: a log that verifies, a forged entry that is found, and a page that says so."""

import asyncio

from evals.bench import audit
from evals.bench.place import Place


def test_the_proof_says_yes_and_then_no(place: Place) -> None:
    result = asyncio.run(audit.measure(place, entries=100, customers=4))

    assert (result["entries"], result["chains"], result["anchors"], result["exported"]) == (120, 4, 3, 120)
    assert result["verified"] is True
    assert [(b["customer"], b["entry"]) for b in result["found"]] == [("c3", 15)]
    result |= {"command": "dunwell bench audit", "targets": audit.targets(result)}
    assert [t["met"] for t in result["targets"]] == [True, True, True]
    assert "Found: customer c3, entry 15: the entry was changed." in audit.page(result)
