"""The container: what its files say holds together, and what they start does start, answer, and end in order.

`make prove` runs the build's own steps in a clean virtual environment; `make test` takes the present one instead.
"""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from server.embedded import Server
from server.embedded.layout import client_program
from server.settings import Settings
from tests.conftest import PROVE
from tests.infra.image import COMPOSE, ROOT, Image, build, context, given, instructions
from tests.server.installation import empty_database

SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = ("migrate", "server", "worker")
_CLEAN = [
    pytest.mark.container,
    pytest.mark.skipif(not PROVE, reason="it installs everything anew: `make prove`"),
]


@pytest.fixture(scope="module", params=["here", pytest.param("clean", marks=_CLEAN)])
def image(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Image:
    """What runs in the container."""
    if request.param == "here":
        return Image(Path(sys.prefix))
    return build(tmp_path_factory.mktemp("image"))


@pytest.fixture
def fresh(server: Server) -> Iterator[str]:
    """A database as setup.sql leaves it."""
    with empty_database(server) as conninfo:
        yield conninfo


@contextmanager
def started(image: Image, service: str, folder: Path, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """A service at work in `folder`; gone after the block."""
    process = subprocess.Popen(
        image.command(service), cwd=folder, env=image.environment(**settings), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    with process:
        try:
            yield process
        finally:
            process.kill()


def ends(process: subprocess.Popen[str], service: str) -> tuple[int, str]:
    """The exit code and the words of a service that is told to stop; it has the time that compose gives it."""
    process.send_signal(getattr(signal, given("STOPSIGNAL")[0]))
    said, _ = process.communicate(timeout=float(SERVICES[service]["stop_grace_period"].removesuffix("s")))
    return process.returncode, said


def test_the_image_has_what_the_packages_need_and_no_more() -> None:
    sent = {file.as_posix() for file in context()}
    assert {
        "pyproject.toml",
        "requirements.lock",
        "README.md",
        "LICENSE",
        "server/migrations/setup.sql",
    } <= sent
    assert not any(name.startswith(("tests/", "infra/", ".git/", ".env")) for name in sent)
    copied = [rest.split()[:-1] for rest in given("COPY") if not rest.startswith("--from")]
    assert all(name == "." or name in sent for names in copied for name in names)
    assert given("FROM") == ["python:3.11-slim AS build", "python:3.11-slim"]


def test_nothing_of_ours_runs_as_root_or_may_write_into_the_image() -> None:
    words = [word for word, _ in instructions()]
    assert words.index("USER") < words.index("ENTRYPOINT")
    [user] = given("USER")
    assert user.split(":")[0] not in {"root", "0"}
    for name in OURS:
        service = SERVICES[name]
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_services_wait_for_what_they_need_and_get_the_time_to_end() -> None:
    for name in ("server", "worker"):
        assert SERVICES[name]["depends_on"] == {
            "database": {"condition": "service_healthy"},
            "migrate": {"condition": "service_completed_successfully"},
        }
        assert SERVICES[name]["restart"] == "unless-stopped"
    grace = Settings.model_fields["worker_grace_seconds"].default
    assert float(SERVICES["worker"]["stop_grace_period"].removesuffix("s")) >= 2 * grace
    assert SERVICES["migrate"]["restart"] == "no"
    assert SERVICES["server"]["ports"] == [
        f"127.0.0.1:{given('EXPOSE')[0]}:{Settings.model_fields['port'].default}"
    ]


def test_every_file_that_is_mounted_exists_and_no_password_stands_in_a_file_that_git_keeps() -> None:
    mounted = [volume.split(":")[0] for volume in SERVICES["database"]["volumes"] if volume.startswith(".")]
    assert len(mounted) == 2
    assert all((ROOT / "infra" / name).is_file() for name in mounted)
    examples = [ROOT / "infra" / "env.example", ROOT / "infra" / "settings.env.example"]
    known = {f"DUNWELL_{name.upper()}" for name in Settings.model_fields}
    for line in [
        line for file in examples for line in file.read_text().splitlines() if "=" in line and line[0] != "#"
    ]:
        name, _, value = line.partition("=")
        assert not value if "PASSWORD" in name else name in known, name
    for name in ("infra/.env", "infra/settings.env"):
        assert subprocess.run(["git", "check-ignore", "-q", name], cwd=ROOT, check=False).returncode == 0


def test_the_database_is_prepared_by_the_files_that_it_mounts(server: Server, fresh: str) -> None:
    """As the image of Postgres runs them: in the order of their names, setup.sql through psql, the script by itself."""
    environment = {
        "PATH": f"{client_program('psql').parent}:/usr/bin:/bin", "PGHOST": str(server.socket_dir),
        "DUNWELL_DB_PASSWORD": "hush'hush",
    }  # fmt: skip
    by_place = {
        v.split(":")[1]: ROOT / "infra" / v.split(":")[0]
        for v in SERVICES["database"]["volumes"]
        if v[0] == "."
    }
    for place in sorted(by_place):
        file = str(by_place[place].resolve())
        psql = [
            "psql",
            "--no-psqlrc",
            "-v",
            "ON_ERROR_STOP=1",
            "--username=postgres",
            "--dbname=postgres",
            "-f",
            file,
        ]
        command = psql if place.endswith(".sql") else [file]
        subprocess.run(command, env=environment, check=True, capture_output=True)

    with psycopg.connect(server.admin_conninfo(), autocommit=True) as admin:
        stored = admin.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'dunwell'").fetchone()
        admin.execute("ALTER ROLE dunwell PASSWORD NULL")
    assert stored is not None
    assert stored[0].startswith("SCRAM-SHA-256$")
    assert SERVICES["database"]["environment"].keys() == {"POSTGRES_PASSWORD", "DUNWELL_DB_PASSWORD"}


def test_the_services_start_in_order_answer_and_end_when_they_are_told(
    image: Image, fresh: str, tmp_path: Path
) -> None:
    port = _free_port()
    settings = {"DUNWELL_DATABASE_URL": fresh, "DUNWELL_PORT": str(port), "DUNWELL_CYCLE_HOUR": "24"}
    assert set(SERVICES["server"]["environment"]) == {"DUNWELL_DATABASE_URL"}
    migrated = subprocess.run(
        image.command("migrate"), cwd=tmp_path, env=image.environment(**settings), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (migrated.returncode, migrated.stderr) == (0, "")

    check = [part.replace("8321", str(port)) for part in SERVICES["server"]["healthcheck"]["test"][1:]]
    check[0] = str(image.venv / "bin" / check[0])
    with (
        started(image, "server", tmp_path, **settings) as serving,
        started(image, "worker", tmp_path, **settings) as working,
    ):
        _wait(lambda: _healthy(check), serving)
        _wait(lambda: _workers(fresh) == 1, working)
        assert ends(working, "worker")[0] == 0
        code, said = ends(serving, "server")

    assert code == 0, said
    assert "Traceback" not in said
    assert not _healthy(check)
    assert _workers(fresh) == 0
    assert list(tmp_path.iterdir()) == [], "they write nothing but to the database"


@pytest.mark.container
@pytest.mark.skipif(not PROVE, reason="it installs everything anew: `make prove`")
def test_the_clean_environment_runs_what_is_in_the_image_and_nothing_of_this_checkout(image: Image) -> None:
    if image.venv == Path(sys.prefix):
        pytest.skip("this is the checkout")
    asked = "import json, server, agent; print(json.dumps([server.__file__, agent.__file__]))"
    said = subprocess.run(
        [str(image.venv / "bin" / "python"), "-I", "-c", asked], capture_output=True, text=True, check=True
    )
    assert all(Path(place).is_relative_to(image.venv) for place in json.loads(said.stdout))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def _healthy(check: list[str]) -> bool:
    return subprocess.run(check, capture_output=True, check=False).returncode == 0


def _workers(conninfo: str) -> int:
    with psycopg.connect(conninfo) as connection:
        found = connection.execute("SELECT count(*) FROM procrastinate_workers").fetchone()
    return int(found[0]) if found else 0


def _wait(happened: Any, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 90
    while not happened():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.2)
