"""Where the cases of these tests run: an empty database on the test server."""

from collections.abc import Iterator

import pytest

from evals.bench.place import Place
from server.embedded import Server
from tests.databases import Shelf


@pytest.fixture
def place(server: Server, shelf: Shelf) -> Iterator[Place]:
    """An empty database on the test server."""
    with shelf.lend() as name:
        yield Place(server, name)


@pytest.fixture
def second_place(server: Server, shelf: Shelf) -> Iterator[Place]:
    """Another one."""
    with shelf.lend() as name:
        yield Place(server, name)
