"""The stage of the demo: a database and a server of its own, reached as a person reaches them."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from server import settings as configuration

NOW = "2026-11-17T16:00:00+00:00"  # a Tuesday morning in Chicago; the sample ledger is written for that day
_START_SECONDS = 60.0
# A model behind an endpoint may take its time over an answer; ours needs milliseconds.
_ANSWER_SECONDS = 600.0
console = Console(highlight=False)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the demo plays: the environment of its commands, its server, and a client with Dana's key.

    What fails ends the demo with one sentence on stderr and exit code 1.
    """

    environment: dict[str, str]
    server: subprocess.Popen[bytes]
    api: httpx.Client

    def await_server(self) -> None:
        """Wait until the server answers; it starts while the first commands run."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self.server.poll() is None:
            try:
                if self.api.get("/readyz").status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise SystemExit("The demo's server did not start.")

    def command(self, *words: str, may_fail: bool = False) -> dict[str, Any]:
        """Run `dunwell WORDS --json` as a person would, and give what it answered; `may_fail` gives a bad report, too."""
        return _command(self.environment, *words, may_fail=may_fail)

    def get(self, path: str, **params: str | int) -> dict[str, Any]:
        """GET a path of the API."""
        return _content(self.api.get(path, params=params))

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST to a path of the API, and give what it answered."""
        return _content(self.try_post(path, body))

    def try_post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """POST to a path of the API; the caller looks at the status."""
        return self.api.post(path, json=body)


def _command(environment: dict[str, str], *words: str, may_fail: bool = False) -> dict[str, Any]:
    console.print(f"[dim]$ dunwell {' '.join(words)}[/dim]", soft_wrap=True)
    done = subprocess.run(
        [sys.executable, "-m", "server.cli", *words, "--json"],
        env=environment, stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    answered: dict[str, Any] = json.loads(done.stdout) if done.stdout else {}
    if "error" in answered:
        raise SystemExit(1)  # the command has said why on stderr
    if done.returncode != 0 and not (may_fail and answered):
        why = answered["failed"][0]["why"] if answered.get("failed") else f"exit code {done.returncode}."
        raise SystemExit(f"dunwell {words[0]} failed: {why}")
    return answered


def _content(response: httpx.Response) -> dict[str, Any]:
    answered: dict[str, Any] = response.json()
    if response.is_error:
        raise SystemExit(f"{response.request.url.path}: {answered['detail']}")
    return answered


@contextmanager
def open_stage(folder: Path, ledger: Path) -> Iterator[Stage]:
    """A server on a free port, its database in `folder`, its policy beside the ledger, and Dana the collector."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **configuration.inherited(with_model=True),
        "DUNWELL_DATA_DIR": str(folder / "data"),
        "DUNWELL_CLOCK": NOW,
        "DUNWELL_POLICY": str(ledger / "policy.toml"),
        "DUNWELL_PORT": str(port),
    }
    added = _command(environment, "user", "add", "dana", "--role", "collector", "--limit", "5000")
    console.print("[dim]$ dunwell serve &[/dim]")
    server = subprocess.Popen([sys.executable, "-m", "server.cli", "serve"], env=environment)
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {added['api_key']}"},
            timeout=_ANSWER_SECONDS,
            trust_env=False,
        ) as api:
            yield Stage(environment, server, api)
    finally:
        server.terminate()
        server.wait(timeout=30)
