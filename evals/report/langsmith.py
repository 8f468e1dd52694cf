"""LangSmith, where a key is set: scenarios as a dataset, a run as an experiment on it. Without a key there are the files alone."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import langsmith

from evals.scenarios.perturb import AS_WRITTEN
from evals.scenarios.scenario import Scenario
from evals.suites.result import Run, Trial
from server.settings import Settings


def client_of(settings: Settings) -> langsmith.Client | None:
    """A client for the settings' server; None where no key is set."""
    if settings.langsmith_api_key is None:
        return None
    return langsmith.Client(
        settings.langsmith_endpoint, api_key=settings.langsmith_api_key.get_secret_value()
    )


def upload(
    client: langsmith.Client, run: Run, scenarios: Mapping[str, Sequence[Scenario]], *, words: bool
) -> list[str]:
    """Put each split that was played into its dataset, once, and the run's verdicts into an experiment: their names.

    `words`: with what customers write. Without it, which is right for conversations of real people, ids and rules alone.
    """
    played = [trial for suite in run.suites if suite.suite == "scenarios" for trial in suite.trials]
    made = []
    for split, some in scenarios.items():
        verdicts = _verdicts(
            [trial for trial in played if trial.split == split and trial.agent != "hostile"], words=words
        )
        if not verdicts:
            continue
        dataset = f"dunwell-{split}-{str(run.datasets[split]['sha256'])[:12]}"
        if not client.has_dataset(dataset_name=dataset):
            client.create_dataset(dataset, description="Collection conversations and what must come of them.")
            client.create_examples(
                dataset_name=dataset, examples=[_example(dataset, scenario, words=words) for scenario in some]
            )
        client.evaluate(
            lambda inputs, verdicts=verdicts: verdicts.get(inputs["id"], {}),
            data=dataset,
            evaluators=[_scores],
            experiment_prefix=f"dunwell-{run.model}",
            metadata={"commit": run.commit, **run.parameters},
        )
        made.append(dataset)
    return made


def _example(dataset: str, scenario: Scenario, *, words: bool) -> dict[str, Any]:
    told = {"id": scenario.id, "category": scenario.category, "rule": scenario.rule}
    said = {"customer": scenario.customer_words()} if words else {}
    must = [atom.model_dump(mode="json", exclude_defaults=True) for atom in scenario.must] if words else []
    return {
        "id": uuid5(NAMESPACE_URL, f"{dataset}/{scenario.id}"),
        "inputs": told | said,
        "outputs": {"must": must},
    }


def _verdicts(trials: Sequence[Trial], *, words: bool) -> dict[str, dict[str, Any]]:
    verdicts: dict[str, dict[str, Any]] = {}
    for trial in trials:
        verdict = verdicts.setdefault(trial.scenario, {"passed": True, "all_variants": True, "violations": 0})
        verdict["all_variants"] = verdict["all_variants"] and trial.passed
        verdict["violations"] += len(trial.violations)
        if trial.variant == AS_WRITTEN:
            verdict["passed"] = verdict["passed"] and trial.passed
            if words:
                verdict |= {"missed": list(trial.missed), "fired": list(trial.fired)}
    return verdicts


def _scores(outputs: dict[str, Any]) -> dict[str, Any]:
    names = ("passed", "all_variants", "violations")
    return {"results": [{"key": name, "score": float(outputs.get(name, 0))} for name in names]}
