"""Write infra/policy_rules.md: every rule of the policy with its source, its file and its test; and say what judging costs.

Run it in the repository: `python -m infra.policy_rules`.
"""

import sys
import time
from pathlib import Path

import agent.policy.rules  # noqa: F401 - importing the rules registers them
from agent.policy.document import load_policy
from agent.policy.gate import Gate
from agent.policy.guards import GUARDS
from agent.policy.registry import REGISTRY
from tests.agent.policy.acts import NIGHT, policy_with
from tests.agent.policy.test_guards import HELD
from tests.agent.policy.test_table import deciding
from tests.builders import NOW, a_customer, a_message, a_touch, an_account, an_invoice, drafted

BUDGET = 0.5  # milliseconds of CPU for the largest message (issue 5)
PAGE = Path(__file__).with_suffix(".md")


def render() -> str:
    """The page, from the registry."""
    lines = [
        "# The rules of the policy",
        "",
        "Written by `python -m infra.policy_rules` from the registry; a test checks that it is current.",
        "Each rule is a function of one action and its facts. The strictest verdict wins; an action that no granting",
        "rule speaks about is refused. The test of a rule is a case whose verdict changes when the rule is switched off:",
        "`test_table.py` switches off every rule of the registry in turn and fails where there is none.",
        "",
        "| rule | promise | source | grants | file | test |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for rule in sorted(REGISTRY.values(), key=lambda rule: (rule.module, rule.id)):
        file = f"{rule.module.replace('.', '/')}.py"
        grants = "yes" if rule.grants else ""
        lines.append(
            f"| `{rule.id}` | {rule.promise} | {rule.source} | {grants} | `{file}` | {_test(rule.id)} |"
        )
    lines += [
        "",
        "## Around the rules",
        "",
        "What the gate refuses before and after the rules, and what the step that judges refuses before it asks the gate. The",
        "list is `agent/policy/guards.py`; `test_guards.py` holds it against the source, and switches off each in turn.",
        "",
        "| guard | promise | source | file | test |",
        "| --- | --- | --- | --- | --- |",
    ]
    for guard in GUARDS.values():
        test = f"`tests/agent/policy/test_guards.py::{guard.id}: {HELD[guard.id].says}`"
        lines.append(f"| `{guard.id}` | {guard.promise} | {guard.source} | `{guard.file}` | {test} |")
    return "\n".join([*lines, ""])


def _test(identity: str) -> str:
    """The first case that names the rule and turns red without it."""
    named = [row for row in deciding(identity) if row.rule == identity]
    return f"`tests/agent/policy/cases.py::{identity}: {named[0].says}`"


def milliseconds() -> float:
    """The CPU that judging takes for the largest action there is, the best of five: as many invoices as a message may
    name, zones to work out, hours to wait.
    """
    gate = Gate(policy_with(load_policy().text, "assisted"))
    invoices = [an_invoice(id=f"inv-{n}", balance_minor=10) for n in range(200)]
    action = a_message(invoices=[invoice.id for invoice in invoices])
    touches = [a_touch(at=NOW.replace(day=1), outbox_id=n) for n in range(20)]
    account = an_account(customer=a_customer(time_zone=None, region="TX"), invoices=invoices, touches=touches)
    given = drafted(action, account=account, now=NIGHT)
    gate.rule(action, given)  # the first call reads the numbering plan from disk

    def cost() -> float:
        start = time.process_time()
        for _ in range(20):
            gate.rule(action, given)
        return (time.process_time() - start) / 20 * 1000

    return min(cost() for _ in range(5))


if __name__ == "__main__":
    PAGE.write_text(render(), "utf-8")
    sys.stdout.write(f"{len(REGISTRY)} rules and {len(GUARDS)} guards written to {PAGE}\n")
    took = milliseconds()
    sys.stdout.write(f"judging the largest message: {took:.3f} ms of CPU (at most {BUDGET})\n")
    sys.exit(took > BUDGET)
