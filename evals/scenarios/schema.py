"""The JSON Schema of a scenario: `python -m evals.scenarios.schema` writes it anew. A test compares it with the format."""

import json
from importlib import resources
from pathlib import Path

from evals.scenarios.scenario import Scenario

FILE = "schema.json"


def schema() -> str:
    """The schema as the file holds it."""
    described = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Scenario.model_json_schema()}
    return json.dumps(described, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(str(resources.files("evals.scenarios") / FILE)).write_text(schema(), "utf-8")
