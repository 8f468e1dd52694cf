"""Where the cases of these tests run: an empty database on the test server."""

from collections.abc import Iterator

import pytest

from evals.bench.place import Place
from server.embedded import Server
from tests.conftest import _clone


@pytest.fixture
def place(server: Server, template: str) -> Iterator[Place]:
    """An empty database on the test server."""
    with _clone(server, template) as name:
        yield Place(server, name)


@pytest.fixture
def second_place(server: Server, template: str) -> Iterator[Place]:
    """Another one."""
    with _clone(server, template) as name:
        yield Place(server, name)
