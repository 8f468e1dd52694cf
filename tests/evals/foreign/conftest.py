"""An empty database for the default stack, and conversations to play."""

from collections.abc import Iterator
from typing import Any

import pytest

from evals.bench.place import Place
from evals.scenarios.scenario import Scenario
from server.embedded import Server
from tests.databases import clone


@pytest.fixture
def place(server: Server, template: str) -> Iterator[Place]:
    """An empty database on the test server."""
    with clone(server, template) as name:
        yield Place(server, name)


def conversation(*turns: dict[str, Any], must: list[dict[str, Any]] | None = None, **fields: Any) -> Scenario:
    """A business that owes 480.00 on QB-1041 since 20 February, on a Tuesday in March at eleven in Chicago."""
    return Scenario.model_validate(
        {
            "id": "a-test", "category": "promise", "about": "A conversation of a test.", "rule": "none",
            "now": "2026-03-10T11:00:00-05:00",
            "invoices": [{"number": "QB-1041", "amount": "480.00", "due": "2026-02-20"}],
            "turns": list(turns), "must": must or [{"what": "task"}],
        } | fields
    )  # fmt: skip


def says(text: str, channel: str = "sms", **more: Any) -> dict[str, Any]:
    """The customer writes."""
    return {"do": "says", "text": text, "channel": channel, **more}
