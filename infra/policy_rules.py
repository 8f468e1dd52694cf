"""Write infra/policy_rules.md: every rule of the policy with its source and its file. Run it from the repository."""

import sys
from pathlib import Path

import agent.policy.rules  # noqa: F401 - importing the rules registers them
from agent.policy.registry import REGISTRY

PAGE = Path(__file__).with_suffix(".md")


def render() -> str:
    """The page, from the registry."""
    lines = [
        "# The rules of the policy",
        "",
        "Written by `python infra/policy_rules.py` from the registry; a test checks that it is current.",
        "Each rule is a function of one action and its facts. The strictest verdict wins; an action that no granting",
        "rule speaks about is refused. `tests/agent/policy/cases.py` holds the cases of each rule, and",
        "`test_table.py` fails if switching one off changes no verdict.",
        "",
        "| rule | promise | source | grants | file |",
        "| --- | --- | --- | --- | --- |",
    ]
    for rule in sorted(REGISTRY.values(), key=lambda rule: (rule.module, rule.id)):
        file = f"{rule.module.replace('.', '/')}.py"
        grants = "yes" if rule.grants else ""
        lines.append(f"| `{rule.id}` | {rule.promise} | {rule.source} | {grants} | `{file}` |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    PAGE.write_text(render(), "utf-8")
    sys.stdout.write(f"{len(REGISTRY)} rules written to {PAGE}\n")
