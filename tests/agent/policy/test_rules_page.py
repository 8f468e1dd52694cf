"""infra/policy_rules.md is the registry, written out."""

import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_the_page_of_rules_is_current() -> None:
    """If this fails: python -m infra.policy_rules."""
    page = runpy.run_path(str(ROOT / "infra" / "policy_rules.py"))
    assert (ROOT / "infra" / "policy_rules.md").read_text("utf-8") == page["render"]()
