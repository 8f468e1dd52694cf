"""The door counts what it lets in: nobody makes the server keep more of a body than the route has use for."""

from collections.abc import AsyncIterator

import pytest

from server import door
from tests.server.conftest import Api, problem

PIECE = 8192
PART = b'--b\r\nContent-Disposition: form-data; name="files"; filename="customers.csv"\r\n\r\n'


class Sender:
    """A body in pieces without a length, as chunked transfer sends it; `sent` is how much of it was taken."""

    def __init__(self, size: int, head: bytes = b"") -> None:
        self.size, self.sent, self.head = size, 0, head

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.sent < self.size:
            self.sent += PIECE
            yield self.head.ljust(PIECE)
            self.head = b""


@pytest.mark.parametrize("declared", ["10", "4096"])
async def test_a_login_that_says_it_is_short_and_goes_on_is_cut_off(api: Api, declared: str) -> None:
    """Content-Length beside Transfer-Encoding: the first is what was checked, the second is what is read."""
    body = Sender(50 * 2**20)
    headers = {"Content-Length": declared, "Transfer-Encoding": "chunked", "Content-Type": "application/json"}
    problem(await api.client.post("/v1/session", content=aiter(body), headers=headers), 413)
    assert body.sent == PIECE


@pytest.mark.parametrize(
    ("method", "path", "most"),
    [("POST", "/v1/messages", 2**20), ("POST", "/v1/imports", 3 * 2**20), ("DELETE", "/v1/session", 2**20)],
)
async def test_a_known_caller_is_cut_off_at_what_the_route_has_use_for(
    api: Api, monkeypatch: pytest.MonkeyPatch, method: str, path: str, most: int
) -> None:
    monkeypatch.setitem(door._UPLOADS, "/v1/imports", 3 * 2**20)
    body = Sender(4 * most, PART)
    kind = 'multipart/form-data; boundary="b"' if path == "/v1/imports" else "application/json"
    headers = {**api.headers("admin"), "Content-Type": kind}
    answer = await api.client.request(method, path, content=aiter(body), headers=headers)
    assert answer.status_code == (204 if method == "DELETE" else 413), (
        answer.text
    )  # a body nobody reads is not taken
    assert body.sent <= most + PIECE
