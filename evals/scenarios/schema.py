"""The JSON Schema of a scenario: `python -m evals.scenarios.schema` writes it anew. A test compares it with the format."""

import json
from importlib import resources
from pathlib import Path
from typing import Any

from evals.scenarios.scenario import Scenario

FILE = "schema.json"


def schema() -> str:
    """The schema as the file holds it."""
    described = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_ordered(Scenario.model_json_schema()),
    }
    return json.dumps(described, indent=1, ensure_ascii=False) + "\n"


def _ordered(part: Any) -> Any:
    """With values in order: two Literals with the same values are one to Python, whichever was imported first."""
    if isinstance(part, dict):
        return {name: sorted(value) if name == "enum" else _ordered(value) for name, value in part.items()}
    return [_ordered(one) for one in part] if isinstance(part, list) else part


if __name__ == "__main__":
    Path(str(resources.files("evals.scenarios") / FILE)).write_text(schema(), "utf-8")
