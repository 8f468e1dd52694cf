"""The page of a full run: what was read in each place, and what of a customer was found there."""

from collections.abc import Iterable, Mapping

from tests.server.leaks.ledger import found_in, secrets

_WHAT = {
    "prompts": "every message that a model was asked with",
    "state": "what the graph's saver was given, kept or not",
    "checkpoints": "every column of every checkpoint row, bytes as they are",
    "logs": "every event and every line of every logger, at DEBUG",
    "metrics": "what Prometheus is told",
    "traces": "every byte that was posted to a collector in LangSmith's place",
    "jobs": "every row of the queue, at every change",
    "decisions": "decisions with their arguments, reasons and facts",
    "tables": "every other table but those that an erasure goes through",
}


def page(places: Mapping[str, list[str | bytes]]) -> str:
    """The report."""
    found, wanted = found_in(places), secrets()
    looked_for = ", ".join(f"{len(values)} of kind {kind}" for kind, values in wanted.items())
    lines = [
        "# What is told of customers outside our tables",
        "",
        "Written by `make prove` (`tests/server/leaks/test_leaks.py`). The sample ledger, with names, streets, phone numbers,",
        "addresses and card numbers in the notes of every invoice, is imported; a day's cycle runs; customers write, who they are",
        "and where they live included; people decide; two workers take turns; providers, a model and a chore fail with errors that",
        f"quote all they know. Looked for in every place: {looked_for}.",
        "",
        "| place | what was read | parts | bytes | found |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {place} | {_WHAT[place]} | {len(told):,} | {_size(told):,} | {len(found.get(place, []))} |"
        for place, told in places.items()
    ]
    return "\n".join([*lines, ""])


def _size(told: Iterable[str | bytes]) -> int:
    return sum(len(part if isinstance(part, bytes) else part.encode()) for part in told)
