"""LangSmith: off unless the settings say otherwise, whatever its own environment variables say; and on, without content.

A trace shows which step ran, for how long, with which model and how many tokens. What went into a step and what came out
stays here, and so does the text of an error, which may quote either.
"""

import re
from typing import Any

import langsmith

from server.settings import Settings

# What LangGraph and LangChain say about a step: names of ours, counts, and the id of an approval's thread.
_METADATA = frozenset(
    {
        "langgraph_node",
        "langgraph_step",
        "ls_integration",
        "ls_model_name",
        "ls_model_type",
        "ls_provider",
        "thread_id",
    }
)
_ERROR_TYPE = re.compile(r"[A-Za-z_][\w.]*")


def set_tracing(settings: Settings) -> None:
    """Make the settings' word on tracing this process's."""
    if not settings.langsmith_tracing:
        langsmith.configure(client=None, enabled=False)
        return
    key = settings.langsmith_api_key
    client = langsmith.Client(
        settings.langsmith_endpoint,
        api_key=key.get_secret_value() if key else None,
        hide_inputs=True,
        hide_outputs=True,
        anonymizer=without_content,
        omit_traced_runtime_info=True,  # it would add every LANGSMITH_ and LANGCHAIN_ variable, and the machine
    )
    langsmith.configure(client=client, enabled=True, project_name=settings.langsmith_project)


def without_content(given: dict[str, Any]) -> dict[str, Any]:
    """The metadata that is known to be harmless, and of an error its kind. What nobody thought of here is left out."""
    kept = {key: value for key, value in given.items() if key in _METADATA}
    if "error" in given:
        kind = _ERROR_TYPE.match(str(given["error"]))
        kept["error"] = kind.group() if kind else "error"
    return kept
