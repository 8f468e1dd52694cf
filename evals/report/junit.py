"""The report as JUnit XML, for build servers: a testsuite for each suite, a testcase for each scenario and each target.

It keeps to what the schemas of Ant and of Jenkins have in common.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from xml.etree import ElementTree as ET

from evals.report.figures import YARDSTICKS
from evals.report.findings import unseen, wrong
from evals.suites.result import Run, SuiteResult, Trial
from tools.dunning.segments import visible

_LONGEST = 2000  # characters of one failure: a build server shows it in a line or a box


def junit(run: Run) -> str:
    """The XML. Plays of yardsticks, which are there to fail, are no testcases; the hostile model's fail by a broken rule."""
    root = ET.Element("testsuites")
    hidden = unseen(run)
    for number, suite in enumerate(run.suites):
        words = [words for name, words in hidden if name == suite.suite]
        root.append(_suite(run, number, suite, words))
    ET.indent(root)
    return ET.tostring(root, "unicode", xml_declaration=True) + "\n"


def _suite(run: Run, number: int, suite: SuiteResult, words: Sequence[str]) -> ET.Element:
    cases = [*_scenarios(suite), *_targets(suite), *_rules(suite, words)]
    # A zone is not permitted here, nor are fractions of a second.
    at = datetime.fromisoformat(run.at).replace(tzinfo=None, microsecond=0).isoformat()
    element = ET.Element(
        "testsuite",
        {
            "name": suite.suite, "package": _text(suite.agent) or "-", "id": str(number), "timestamp": at,
            "hostname": "localhost", "tests": str(len(cases)),
            "failures": str(sum(case.find("failure") is not None for case in cases)), "errors": "0",
            "time": f"{suite.seconds:.3f}",
        },
    )  # fmt: skip
    properties = ET.SubElement(element, "properties")
    known = {"model": run.model, "commit": run.commit, "verdict": suite.verdict}
    known |= {figure.name: figure.shown for figure in suite.figures if not figure.target}
    for name, value in known.items():
        ET.SubElement(properties, "property", {"name": _text(name), "value": _text(value)})
    element.extend(cases)
    ET.SubElement(element, "system-out")
    ET.SubElement(element, "system-err")
    return element


def _scenarios(suite: SuiteResult) -> Iterator[ET.Element]:
    plays: dict[tuple[str, str, str, str], list[Trial]] = defaultdict(list)
    for trial in suite.trials:
        if trial.agent not in YARDSTICKS:
            plays[trial.agent, trial.split, trial.category, trial.scenario].append(trial)
    for (*where, scenario), trials in plays.items():
        case = _case(".".join([suite.suite, *where]), scenario, sum(t.seconds for t in trials))
        if faults := [trial for trial in trials if wrong(trial)]:
            message = f"{len(faults)} of {len(trials)} plays failed: {'; '.join(_why(faults[0]))}"
            lines = [
                *(f"{trial.variant}: {'; '.join(_why(trial))}" for trial in faults),
                *faults[0].conversation, faults[0].replay,
            ]  # fmt: skip
            kind = "hard rule" if any(trial.violations for trial in faults) else "scenario"
            _fail(case, kind, message, "\n".join(lines))
        yield case


def _why(trial: Trial) -> list[str]:
    stopped = [f"stopped: {trial.failed}"] if trial.failed else []
    return [
        *(f"hard rule broken: {what}" for what in trial.violations),
        *(f"missing: {what}" for what in trial.missed),
        *(f"must not happen: {what}" for what in trial.fired),
        *stopped,
    ]


def _targets(suite: SuiteResult) -> Iterator[ET.Element]:
    for figure in suite.figures:
        if figure.target:
            case = _case(f"{suite.suite}.targets", figure.name, 0.0)
            if not figure.met:
                said = f"{figure.name}: {figure.shown}, wanted {figure.target}"
                _fail(case, "target", said, said)
            yield case


def _rules(suite: SuiteResult, words: Sequence[str]) -> Iterator[ET.Element]:
    """Broken rules that no play shows."""
    for number, broken in enumerate(words, 1):
        case = _case(f"{suite.suite}.rules", f"hard rule {number}", 0.0)
        _fail(case, "hard rule", broken, broken)
        yield case


def _case(group: str, name: str, seconds: float) -> ET.Element:
    return ET.Element("testcase", {"classname": _text(group), "name": _text(name), "time": f"{seconds:.3f}"})


def _fail(case: ET.Element, kind: str, message: str, text: str) -> None:
    failure = ET.SubElement(case, "failure", {"type": kind, "message": _text(message)[:_LONGEST]})
    failure.text = _text(text)[: 2 * _LONGEST]


def _text(text: str) -> str:
    """What XML cannot hold is what nobody can see."""
    return visible(text)
