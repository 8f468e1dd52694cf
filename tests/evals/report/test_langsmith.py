"""A run on LangSmith: what goes there, with the client's own signatures as the other side."""

from typing import Any
from unittest.mock import create_autospec

import langsmith
import pytest
from pydantic import SecretStr

from evals.report.langsmith import client_of, upload
from evals.suites.result import Run, SuiteResult, Trial
from server.settings import Settings
from tests.evals.scenarios.test_rules_and_atoms import scenario


def trial(variant: str = "as written", **more: Any) -> Trial:
    given = {
        "scenario": "one-of-a-test",
        "category": "promise",
        "split": "cases",
        "agent": "offline",
        "passed": True,
    }
    return Trial(**{**given, "variant": variant, **more})


def run(*trials: Trial) -> Run:
    datasets = {"cases": {"scenarios": 1, "sha256": "abc" * 8}}
    suite = SuiteResult("scenarios", "offline", [], trials)
    return Run("2026-03-10T11:00:00+00:00", "0" * 12, "offline", {"seed": 1}, datasets, [suite], 1.0)


@pytest.fixture
def client() -> Any:
    made = create_autospec(langsmith.Client, instance=True)
    made.has_dataset.return_value = False
    return made


def test_without_a_key_there_is_no_client_and_with_one_there_is() -> None:
    assert client_of(Settings()) is None
    assert (
        client_of(Settings(langsmith_api_key=SecretStr("invented"), langsmith_endpoint="http://127.0.0.1:9"))
        is not None
    )


def test_a_run_is_a_dataset_and_an_experiment_on_it(client: Any) -> None:
    played = run(
        trial(), trial("typos", passed=False, missed=["promise"]), trial(agent="hostile", passed=False)
    )
    assert upload(client, played, {"cases": [scenario()], "fresh": []}, words=True) == [
        "dunwell-cases-abcabcabcabc"
    ]
    (example,) = client.create_examples.call_args.kwargs["examples"]
    assert example["inputs"]["customer"] == ["I will pay 150.00 on Friday."]
    target, options = client.evaluate.call_args.args[0], client.evaluate.call_args.kwargs
    verdict = target({"id": "one-of-a-test"})
    assert (verdict["passed"], verdict["all_variants"], verdict["violations"]) == (True, False, 0)
    assert options["data"] == "dunwell-cases-abcabcabcabc"
    assert options["evaluators"][0](verdict)["results"] == [
        {"key": "passed", "score": 1.0}, {"key": "all_variants", "score": 0.0}, {"key": "violations", "score": 0.0},
    ]  # fmt: skip


def test_a_dataset_that_is_there_is_not_made_again_and_words_stay_here_where_they_are_real(
    client: Any,
) -> None:
    upload(client, run(trial()), {"cases": [scenario()]}, words=False)
    (example,) = client.create_examples.call_args.kwargs["examples"]
    assert "150" not in str(example["inputs"])
    client.has_dataset.return_value = True
    upload(client, run(trial()), {"cases": [scenario()]}, words=False)
    assert client.create_dataset.call_count == client.create_examples.call_count == 1
    assert client.evaluate.call_count == 2
