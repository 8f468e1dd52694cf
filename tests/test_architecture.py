"""The house rules that a machine can check: what is where, who may do what, what no file may say."""

import ast
import importlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("agent", "tools", "prompts", "server", "evals")
FOLDERS = {*PACKAGES, "tests", "infra"}
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

# LangGraph reads this variable when it is imported, so the first package that can import it sets it.
# Settings are read in one file; the other two set a library's own switch before it is loaded.
ENVIRONMENT = {"server/settings.py", "agent/__init__.py", "tools/memory/embeddings.py"}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _kept_files() -> list[Path]:
    """What git keeps or would keep."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def _calls(path: Path) -> Iterator[tuple[str, int]]:
    """The last name of everything that is called, with its line."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(id=name) | ast.Attribute(attr=name):
                    yield name, node.lineno
                case _:
                    pass


def _found(names: set[str], allowed: tuple[str, ...]) -> list[str]:
    return [
        f"{_name(path)}:{line} {name}"
        for path in MODULES
        if not _name(path).startswith(allowed)
        for name, line in _calls(path)
        if name in names
    ]


def test_the_ls_of_the_repository_is_the_architecture() -> None:
    present = {_name(path).split("/", 1)[0] for path in _kept_files() if "/" in _name(path)}
    assert {folder for folder in present if not folder.startswith(".")} == FOLDERS


@pytest.mark.parametrize("package", PACKAGES)
def test_a_root_name_is_ours_and_no_dependency_shadows_it(package: str) -> None:
    file = importlib.import_module(package).__file__
    assert file is not None
    assert Path(file).resolve().is_relative_to(ROOT)


def test_only_the_settings_read_the_environment() -> None:
    readers = {
        _name(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if (isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv", "putenv"})
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "os"
            and {a.name for a in node.names} & {"environ", "getenv"}
        )
    }
    assert readers <= ENVIRONMENT


def test_only_the_gate_mints_a_permit() -> None:
    assert _found({"Permit"}, ("agent/policy/gate.py",)) == []


def test_transactions_open_only_where_a_step_begins() -> None:
    """In the engine and at the edges; every other function takes its caller's connection and never commits."""
    assert _found({"transaction", "commit", "rollback"}, ("agent/engine/", "server/", "evals/")) == []


def test_time_is_given_and_never_taken() -> None:
    taken = _found({"now", "utcnow", "today"}, ("tools/clock.py",))
    assert [place for place in taken if not _asks_a_clock(place)] == []


def _asks_a_clock(place: str) -> bool:
    file, line = place.split(" ", 1)[0].rsplit(":", 1)
    text = (ROOT / file).read_text("utf-8").splitlines()[int(line) - 1]
    return "clock.now()" in text


def test_no_file_is_too_long_to_read() -> None:
    long = {
        _name(path): lines for path in MODULES if (lines := len(path.read_text("utf-8").splitlines())) > 300
    }
    assert long == {}


def test_no_module_has_a_grab_bag_name() -> None:
    grab_bags = re.compile(r"^(utils?|common|helpers?|misc|.*manager.*)$")
    assert [
        _name(path) for path in MODULES if grab_bags.match(path.stem) or grab_bags.match(path.parent.name)
    ] == []


def test_no_file_names_an_index_host_or_a_place_on_somebodys_machine() -> None:
    # Put together from parts, so that this file does not find itself.
    hosts = [
        "py" + "pi.org",
        "python" + "hosted.org",
        "--find-" + "links ",
        "--index-" + "url ",
        "--trusted-" + "host ",
    ]
    places = [r"/ro" + r"ot/\.", r"/ho" + r"me/[a-z]", r"/op" + r"t/", r"/wo" + r"rk/", r"/Us" + r"ers/[a-z]"]
    forbidden = re.compile("|".join([*(re.escape(host) for host in hosts), *places]))
    found = []
    for path in _kept_files():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        found += [
            f"{_name(path)}:{n}: {m[0]}"
            for n, line in enumerate(text.splitlines(), 1)
            if (m := forbidden.search(line))
        ]
    assert found == []
