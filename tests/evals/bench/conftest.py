"""Where the benchmarks' tests run: an empty database on the test server."""

from collections.abc import Iterator

import pytest

from evals.bench.place import Place
from server.embedded import Server
from tests.databases import clone


@pytest.fixture
def place(server: Server, template: str) -> Iterator[Place]:
    """An empty database on the test server."""
    with clone(server, template) as name:
        yield Place(server, name)
