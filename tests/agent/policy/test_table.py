"""policy.md, row by row, and the proof that every registered rule decides something."""

import pytest

from agent.policy.document import Policy, load_policy
from agent.policy.gate import Gate
from agent.policy.registry import REGISTRY
from agent.policy.verdict import Allow, Refuse, Ruling, Verdict
from tests.agent.policy.cases import ROWS, Row, policy_with

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
    """A row that allows a free-text reply names the rule that keeps silent."""
    spoke = {finding.rule for finding in judge(row).findings}
    assert row.rule in spoke or (row.rule == "ROW-FREE-TEXT" and isinstance(row.verdict, Allow))


@pytest.mark.parametrize("identity", sorted(REGISTRY))
def test_switching_a_rule_off_changes_a_verdict_of_the_table(identity: str) -> None:
    """No rule is idle, and none can be missed: the list comes from the registry."""
    without = frozenset({identity})
    changed = [row.says for row in ROWS if not alike(judge(row, without).verdict, judge(row).verdict)]
    assert changed, f"{identity} decides nothing in the table"


def test_every_rule_has_a_source_and_says_what_it_promises() -> None:
    assert all(rule.source and rule.promise for rule in REGISTRY.values())
