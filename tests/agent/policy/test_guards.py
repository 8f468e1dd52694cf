"""What is refused around the rules: every guard of the list decides a case, and nothing is refused that is not listed."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent.nodes import judge
from agent.policy import gate, subjects
from agent.policy.document import load_policy, parse_policy
from agent.policy.gate import Gate
from agent.policy.guards import GUARDS
from agent.policy.verdict import Allow, Approver, Facts, Finding, Refuse, Ruling
from tests.agent.policy.acts import REMINDER, owing, plan_request, policy_with, promise
from tests.builders import a_record, an_inbound, drafted, facts
from tools.spec import Action

ROOT = Path(__file__).resolve().parents[3]
_TEXT = load_policy().text
POLICY = policy_with(_TEXT, "assisted")
GATE = Gate(POLICY)
TWO = parse_policy(POLICY.text.replace("# four_eyes_above", "four_eyes_above"))
RICH = 10**9


@dataclass(frozen=True)
class Held:
    """One case that its guard refuses: `off` are rules that would refuse it too."""

    says: str
    action: Action
    facts: Facts
    approver: Approver | None = None
    gate: Gate = GATE


def plan(minor: int, **given: Any) -> tuple[Action, Facts]:
    return plan_request(3), facts(account=owing(minor), proposer="paul", **given)


HELD: Mapping[str, Held] = {
    "UNKNOWN-TOOL": Held("a transfer of money", Action("cust-1", "transfer_money", {}), facts()),
    "BAD-ARGUMENTS": Held("a record of a kind that is none", a_record("write_off", amount="10"), facts()),
    "WRONG-CUSTOMER": Held(
        "the risk of somebody else", Action("cust-12", "read_customer_risk", {"horizon": "late_7d"}), facts()
    ),
    "UNREADABLE": Held("a promise of half a cent", promise(("1.005", 2)), facts()),
    "NOBODY-GRANTS": Held(
        "a reminder without its row", REMINDER, drafted(REMINDER), gate=Gate(POLICY, {"ROW-REMINDER"})
    ),
    "APPROVER-SELF": Held("an own plan", *plan(600_001), Approver("paul", "admin", RICH)),
    "APPROVER-ROLE": Held("a collector for a manager", *plan(600_001), Approver("carla", "collector", RICH)),
    "APPROVER-LIMIT": Held("a cent too much", *plan(600_001), Approver("mona", "manager", 600_000)),
    "APPROVER-SECOND": Held("one manager alone", *plan(1_000_001), Approver("mona", "manager", RICH), Gate(TWO)),
    "QUOTE-1": Held(
        "a dispute that nobody wrote",
        a_record("dispute", reason="quality", invoices=["inv-1"], amount=None, quote="It is broken"),
        facts(inbound=an_inbound(body="How much do I owe?")),
    ),
}  # fmt: skip


class _Turn:
    """As much of a run as ruling on one action reads."""

    def __init__(self, held: Held) -> None:
        self.held, self.deps = held, self
        self.gate = held.gate

    def base_facts(self) -> Facts:
        return self.held.facts

    def staged(self) -> tuple[Action, ...]:
        return ()


def ruling(held: Held) -> Ruling:
    if held.action.tool == "log_collection_activity":
        return judge.rule(_Turn(held), held.action, approver=held.approver).ruling  # type: ignore[arg-type]  # a part of one
    return held.gate.rule(held.action, held.facts, held.approver)


@pytest.mark.parametrize("identity", sorted(GUARDS))
def test_each_guard_refuses_its_case_and_switched_off_lets_it_through(
    identity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = HELD[identity]
    found = ruling(held)
    assert isinstance(found.verdict, Refuse)
    assert [f.rule for f in found.findings if f.verdict == found.verdict] == [identity]

    def switched_off(guard: str, reason: str) -> Finding:
        return Finding(guard, Allow() if guard == identity else Refuse(reason), reason)

    for module in (gate, subjects, judge):
        monkeypatch.setattr(module, "refusal", switched_off)
    assert not isinstance(ruling(held).verdict, Refuse)


def test_the_list_is_all_that_is_refused_around_the_rules() -> None:
    """Read from the source: a refusal that is not listed, or is made by hand, would be missed by everything here."""
    named: dict[str, str] = {}
    by_hand = set()
    for path in (ROOT / "agent").rglob("*.py"):
        file = path.relative_to(ROOT).as_posix()
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
                continue
            if call.func.id == "refusal" and isinstance(call.args[0], ast.Constant):
                named[str(call.args[0].value)] = file
            elif call.func.id == "Finding" and isinstance(call.args[0], ast.Constant):
                by_hand.add(str(call.args[0].value))
    assert named == {guard.id: guard.file for guard in GUARDS.values()}
    assert by_hand == {"APPROVED"}, "what grants is no guard; what refuses goes through `refusal`"
