"""policy.md, row by row, and the proof that every registered rule decides something."""

from pathlib import Path

import pytest

from agent.policy import rules
from agent.policy.document import Policy, load_policy
from agent.policy.gate import Gate
from agent.policy.registry import REGISTRY
from agent.policy.verdict import Refuse, Ruling, Verdict
from tests.agent.policy.acts import Row, policy_with
from tests.agent.policy.cases import ROWS

_TEXT = load_policy().text
_POLICIES: dict[tuple[str, str], Policy] = {
    (row.mode, row.profile): policy_with(_TEXT, row.mode, profile=row.profile) for row in ROWS
}


def judge(row: Row, switched_off: frozenset[str] = frozenset()) -> Ruling:
    return Gate(_POLICIES[row.mode, row.profile], switched_off).rule(row.action, row.facts)


def alike(one: Verdict, other: Verdict) -> bool:
    """Verdicts are compared without the sentence of a refusal."""
    return one == other or (isinstance(one, Refuse) and isinstance(other, Refuse))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.rule}: {row.says}")
def test_the_table_gives_the_verdict_of_the_written_policy(row: Row) -> None:
    ruling = judge(row)
    assert alike(ruling.verdict, row.verdict), ruling.findings


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.rule}: {row.says}")
def test_the_rule_that_a_row_names_is_one_that_spoke(row: Row) -> None:
    spoke = {finding.rule for finding in judge(row).findings}
    assert row.rule in spoke


def deciding(identity: str) -> list[Row]:
    """The rows whose verdict is another one without that rule: each of them is a test that turns red."""
    without = frozenset({identity})
    return [
        row
        for row in ROWS
        if not alike(judge(row, without).verdict, row.verdict) and alike(judge(row).verdict, row.verdict)
    ]


@pytest.mark.parametrize("identity", sorted(REGISTRY))
def test_switching_a_rule_off_turns_a_row_of_its_own_red(identity: str) -> None:
    """No rule is idle, and none can be missed: the list comes from the registry."""
    assert identity in {row.rule for row in deciding(identity)}, f"{identity} decides no row that names it"


def test_no_module_of_rules_is_left_out_of_the_registry() -> None:
    """A file of rules that nobody imports would be missed by everything here."""
    files = {path.stem for path in Path(rules.__file__).parent.glob("*.py")} - {"__init__"}
    registered = {rule.module.rpartition(".")[2] for rule in REGISTRY.values()}
    assert files == registered


def test_every_rule_has_a_source_and_says_what_it_promises() -> None:
    assert all(rule.source and rule.promise for rule in REGISTRY.values())
