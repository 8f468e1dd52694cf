"""The README is true: each of its commands runs, in order, and what it names exists.

One exception to "as written" is that a reader has their own port, model and database server: the tables `THEIRS`
and `FILLED` below say what the test puts in their place. `make serve`, which does not end, is left running.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from psycopg.conninfo import conninfo_to_dict

from server.embedded import Server, stop
from server.embedded.layout import client_program
from server.settings import Settings
from tests.agent.models.fake_openai import run_fake_openai
from tools.ledger.importer.mapping import Mapping

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
THE_DAY_OF_THE_SAMPLE = "2026-11-17T16:00:00+00:00"
# A placeholder stands for what the command before it printed: the first match in the latest output that has one.
FILLED = {
    "ap-...": re.compile(r"\bap-[0-9a-f]{12}\b"),
    "dw_...": re.compile(r"\bdw_[0-9a-f]{12}_[\w-]{43}"),
    "digest-...": re.compile(r'(?<="action_digest":")[0-9a-f]{32}(?=")'),
}


def blocks(kind: str) -> list[str]:
    """The fenced blocks of a kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def commands(block: str) -> list[str]:
    """The commands of a block: a line each, but for lines that go on and documents that a command reads."""
    found: list[str] = []
    lines = iter(block.splitlines())
    for first in lines:
        command = first
        while command.endswith("\\"):
            command += "\n" + next(lines)
        if (document := re.search(r"<<'(\w+)'", command)) is not None:
            for line in lines:
                command += "\n" + line
                if line == document[1]:
                    break
        if command.strip():
            found.append(command)
    return found


@dataclass(slots=True)
class Terminal:
    """A reader's terminal: exported variables and the folder carry over from command to command."""

    folder: Path
    environment: dict[str, str]
    theirs: dict[str, str]
    said: list[str] = field(default_factory=list)
    server: subprocess.Popen[bytes] | None = None

    def run(self, command: str) -> str:
        """Run a command as the reader would; gives what it said on stdout."""
        for written, meant in self.theirs.items():
            command = command.replace(written, meant)
        for placeholder, pattern in FILLED.items():
            if placeholder in command:
                known = (match[0] for text in reversed(self.said) if (match := pattern.search(text)))
                command = command.replace(placeholder, next(known))
        if command == "make serve":
            return self._serve()
        state = self.folder.parent / "exported"
        script = f"set -eo pipefail\n[ ! -e {state} ] || . {state}\n{command}\nexport -p > {state}\n"
        done = subprocess.run(
            ["bash", "-c", script], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        self.said.append(done.stdout)
        return done.stdout

    def _serve(self) -> str:
        self.server = subprocess.Popen(
            ["make", "serve"], cwd=self.folder, env=self.environment, start_new_session=True
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                ready = httpx.get(f"http://{self.theirs['127.0.0.1:8321']}/readyz", trust_env=False)
            except httpx.TransportError:
                assert self.server.poll() is None, "make serve ended"
                time.sleep(0.1)
                continue
            return ready.raise_for_status().text
        pytest.fail("make serve did not answer")


@contextmanager
def reader(folder: Path, server: Server, model: str, port: int) -> Iterator[Terminal]:
    """A reader's terminal in a checkout of their own: this one by links, so that nothing is written into it."""
    checkout = folder / "checkout"
    checkout.mkdir()
    for entry in ROOT.iterdir():
        if entry.name not in {".git", ".venv"}:
            (checkout / entry.name).symlink_to(entry)
    (checkout / ".venv").symlink_to(sys.prefix)
    admin = conninfo_to_dict(server.admin_conninfo())
    beyond = [part for part in os.environ["PATH"].split(os.pathsep) if part != str(Path(sys.prefix) / "bin")]
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([*beyond, str(client_program("psql").parent)]),
        "MAKEFLAGS": "RUN= DEV=",  # the environment that runs this test is complete: nothing is installed again
        "DUNWELL_DATA_DIR": str(folder / "data"),
        "DUNWELL_PORT": str(port),
        "DUNWELL_CLOCK": THE_DAY_OF_THE_SAMPLE,
        "PGHOST": str(admin["host"]), "PGUSER": str(admin["user"]), "PGDATABASE": "postgres",
    }  # fmt: skip
    theirs = {
        "127.0.0.1:8321": f"127.0.0.1:{port}",
        "http://127.0.0.1:11434/v1": model,
        "postgresql://dunwell:choose-one@db.example.com/dunwell": f"'{server.app_conninfo()}'",
    }
    terminal = Terminal(checkout, environment, theirs)
    try:
        yield terminal
    finally:
        if terminal.server is not None:
            os.killpg(terminal.server.pid, signal.SIGTERM)  # make and what it runs: a group of our own
            terminal.server.wait(timeout=30)
        stop(folder / "data")


@pytest.fixture
def unused_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def test_every_command_runs_in_order_and_the_demo_says_what_is_shown(
    server: Server, tmp_path: Path, unused_port: int
) -> None:
    asked: list[dict[str, object]] = []
    demo = ""
    with run_fake_openai(requests=asked) as model, reader(tmp_path, server, model, unused_port) as terminal:
        for block in blocks("sh"):
            for command in commands(block):
                said = terminal.run(command)
                if command == "make demo":
                    demo = said
        with_policy = (tmp_path / "checkout" / "my-policy.toml").read_text("utf-8")

    assert_shown(blocks("text")[0], demo)
    assert asked, "the model that the README plugs in was not asked"
    assert 'mode = "assisted"' in with_policy
    assert '"state":"rejected"' in "".join(terminal.said).replace(" ", "")


def assert_shown(excerpt: str, output: str) -> None:
    """What the README shows of the demo is in its output, in this order; only the seconds are of another day."""
    left = _plain(output)
    for wanted in (_plain(text) for text in excerpt.split("…")):
        assert wanted in left, wanted
        left = left[left.index(wanted) + len(wanted) :]


def _plain(text: str) -> str:
    return re.sub(r'"seconds": [0-9.]+', '"seconds": 0', re.sub(r"\s+", " ", text)).strip()


def test_the_mapping_that_it_shows_can_be_read() -> None:
    (shown,) = blocks("toml")
    mapping = Mapping.parse(shown)
    assert [source.file for source in mapping.invoices] == ["Open invoices.xlsx"]


def test_what_it_names_exists() -> None:
    """Settings, make's targets, commands, files and folders that the text mentions."""
    for name in set(re.findall(r"DUNWELL_([A-Z_]+)", README)):
        assert name.lower() in Settings.model_fields, name
    for target in set(re.findall(r"`make ([a-z]+)`", README)):
        listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        assert f"make {target} " in listed
    for path in set(re.findall(r"`([\w./-]+/[\w./-]*)`", README)):
        assert (ROOT / path).exists(), path
    assert (ROOT / "README.md").read_text("utf-8").count("```") % 2 == 0


def test_no_command_stands_outside_the_blocks_that_are_run() -> None:
    """A fence is sh (run), text (compared), or toml (parsed); anything else would be a promise that nobody keeps."""
    kinds = re.findall(r"^```(\w*)$", README, re.MULTILINE)
    assert set(kinds) <= {"sh", "text", "toml", ""}
    assert all(kind for kind in kinds[::2])
    assert not any(kinds[1::2])
    assert "$ " not in "".join(blocks("text"))
    assert tomllib.loads(blocks("toml")[0])
