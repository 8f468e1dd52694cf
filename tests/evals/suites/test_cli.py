"""`dunwell eval` as a program sees it: its exit code, one JSON object on stdout, one sentence where it cannot be done."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from evals.bench.place import Place
from evals.cli import register
from evals.suites import run as running
from evals.suites import validity
from evals.suites.ground import Ground
from evals.suites.result import Figure, SuiteResult
from evals.suites.workers import Job, Worker
from tests.evals.scenarios.test_rules_and_atoms import scenario

Eval = Callable[..., Result]
_LATE = [{"number": "A-1", "amount": "480.00", "due": "2026-03-03"}]
_STEP = {"do": "reaches", "step": "reminder_1", "channel": "email"}
_FIELDS = {"version", "at", "commit", "seconds", "model", "parameters", "datasets", "suites", "exit_code"}
_OF_A_SUITE = {"suite", "agent", "verdict", "missed", "violations", "failing", "seconds", "details", "figures", "trials", "page"}  # fmt: skip


class _Here:
    """A crew of one, in this process: what it shares is done one after the other."""

    size = 1

    def __init__(self, place: Place, loop: asyncio.AbstractEventLoop) -> None:
        self.worker, self._loop = Worker(place), loop

    def share(self, jobs: Sequence[Job]) -> Iterator[Any]:
        """The answers in their order."""
        for job in jobs:
            yield self._loop.run_until_complete(job(self.worker))


@pytest.fixture
def evaluate(place: Place, monkeypatch: pytest.MonkeyPatch) -> Eval:
    """Runs `dunwell eval` on a database of the test's own, without processes."""

    @contextmanager
    def here(_size: int | None) -> Iterator[_Here]:
        loop = asyncio.new_event_loop()
        crew = _Here(place, loop)
        try:
            yield crew
        finally:
            loop.run_until_complete(crew.worker.close())
            loop.close()

    monkeypatch.setattr(running, "crew", here)
    return eval_


def eval_(*words: str, **environment: str) -> Result:
    """Runs `dunwell eval` with these words."""
    app = typer.Typer(pretty_exceptions_enable=False)
    register(app)
    return CliRunner().invoke(app, ["eval", *words], env=environment)


def object_of(result: Result) -> dict[str, Any]:
    """The one JSON object on stdout."""
    assert result.stdout.count("\n") == 1, result.output
    found = json.loads(result.stdout)
    assert isinstance(found, dict)
    return found


def sentence_of(result: Result) -> str:
    """The one sentence on stderr, of a command that ended with 1 and without a traceback."""
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Traceback" not in result.stderr
    return result.stderr.strip()


def written(folder: Path, **musts: str) -> str:
    """A file of scenarios: a reminder falls due, and of each this must be seen."""
    lines = [
        scenario(_STEP, id=name.replace("_", "-"), invoices=_LATE, must=[{"what": what}]).model_dump_json(by_alias=True)
        for name, what in musts.items()
    ]  # fmt: skip
    file = folder / "some.jsonl"
    file.write_text("\n".join(lines), "utf-8")
    return str(file)


def test_a_dataset_that_passes_ends_with_0_and_one_object_that_says_what_was_played(
    evaluate: Eval, tmp_path: Path
) -> None:
    result = evaluate("scenarios", "--dataset", written(tmp_path, reminded="message"), "--json")
    found = object_of(result)
    assert (result.exit_code, found["exit_code"]) == (0, 0)
    assert set(found) == _FIELDS
    assert (found["version"], found["model"]) == (1, "offline")
    assert found["datasets"]["some.jsonl"]["scenarios"] == 1
    (suite,) = found["suites"]
    assert set(suite) == _OF_A_SUITE
    assert (suite["verdict"], suite["missed"], suite["failing"]) == ("green", [], [])
    assert {trial["variant"] for trial in suite["trials"]} > {"as written", "typos"}
    assert all({"scenario", "agent", "passed", "conversation", "replay"} <= set(trial) for trial in suite["trials"])  # fmt: skip


def test_a_scenario_that_is_missed_ends_with_1_and_is_named_with_the_command_that_plays_it_again(
    evaluate: Eval, tmp_path: Path
) -> None:
    file = written(tmp_path, reminded="message", never_promised="promise")
    result = evaluate("scenarios", "--dataset", file, "--json")
    found = object_of(result)
    assert (result.exit_code, found["exit_code"]) == (1, 1)
    (suite,) = found["suites"]
    assert suite["verdict"] == "red"
    assert all(failing.startswith("never-promised") for failing in suite["failing"])
    trial = next(t for t in suite["trials"] if not t["passed"] and t["agent"] == "offline")
    assert trial["missed"] == ["promise"]
    assert (
        trial["replay"]
        == f"dunwell eval scenarios --model offline --dataset {file} --seed 1 --only never-promised"
    )


@pytest.mark.parametrize(("floor", "code"), [("0", 0), ("0.5", 0), ("0.51", 1)])
def test_a_floor_stands_in_the_place_of_the_target(
    evaluate: Eval, tmp_path: Path, floor: str, code: int
) -> None:
    file = written(tmp_path, reminded="message", never_promised="promise")
    assert evaluate("scenarios", "--dataset", file, "--floor", floor, "--json").exit_code == code


def test_only_what_was_asked_for_is_played_and_a_person_gets_a_table(evaluate: Eval, tmp_path: Path) -> None:
    file = written(tmp_path, reminded="message", never_promised="promise")
    result = evaluate("scenarios", "--dataset", file, "--only", "reminded")
    assert result.exit_code == 0
    assert "scenarios: green" in result.stdout
    assert "exit code 0" in result.stdout
    assert "never-promised" not in result.stdout


def test_a_broken_hard_rule_ends_with_3_whatever_else_is_missed(
    evaluate: Eval, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsafe(_: Ground) -> SuiteResult:
        missed = Figure("passed", 0.1, "10 %", ">= 85 %", met=False)
        return SuiteResult("validity", "offline", [missed], violations=["a reminder at 03:00"])

    monkeypatch.setattr(validity, "run", unsafe)
    result = evaluate("validity", "--json")
    assert result.exit_code == 3
    found = object_of(result)
    assert found["exit_code"] == 3
    assert found["suites"][0]["verdict"] == "unsafe"
    told = evaluate("validity")
    assert told.exit_code == 3
    assert "hard rule: a reminder at 03:00" in told.stdout


def test_a_suite_that_does_not_exist_is_wrong_usage() -> None:
    result = eval_("promises")
    assert result.exit_code == 2
    assert "there is no suite promises" in " ".join(result.stderr.replace("│", " ").split())
    assert eval_("scenarios", "--floor", "7").exit_code == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--dataset", "nowhere"], "There is no nowhere."),
        (["--model", "replay"], "replay needs the folder of recorded answers: --cassettes."),
        (["--model", "gpt"], "There is no model 'gpt'"),
        (["--agent", "localhost"], "localhost is no address of an agent"),
        (["--before", "nowhere.json"], "nowhere.json is no report of an earlier run"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_1(words: list[str], says: str) -> None:
    assert sentence_of(eval_("scenarios", *words)).startswith(says)


def test_a_dataset_that_cannot_be_read_is_named_with_the_place_and_a_program_gets_an_object(
    tmp_path: Path,
) -> None:
    file = tmp_path / "some.jsonl"
    file.write_text('{"id": "one"}\n', "utf-8")
    assert f"{file}, line 1: category" in sentence_of(eval_("scenarios", "--dataset", str(file)))
    result = eval_("scenarios", "--dataset", str(file), "--json")
    assert result.exit_code == 1
    assert f"{file}, line 1" in object_of(result)["error"]["detail"]


def test_processes_of_its_own_come_to_the_same(place: Place, tmp_path: Path) -> None:
    """As a person runs it: with a crew, on an embedded server."""
    file = written(tmp_path, reminded="message", never_promised="promise")
    folder = str(place.server.data_dir)
    result = eval_("scenarios", "--dataset", file, "--jobs", "1", "--out", str(tmp_path / "out"), "--json", DUNWELL_DATA_DIR=folder)  # fmt: skip
    found = object_of(result)
    assert result.exit_code == 1
    assert found["parameters"]["jobs"] == 1
    assert json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))["exit_code"] == 1
    assert {file.suffix for file in (tmp_path / "out").iterdir()} == {".html", ".md", ".xml", ".json"}
