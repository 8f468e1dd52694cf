"""What Dunwell says: the system prompt and the message templates, as files, versioned by their content."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Prompt:
    """A text and its version: the first 12 hex digits of its SHA-256."""

    text: str
    version: str


@cache
def load(path: str) -> Prompt:
    """The file at `path` below this folder, such as "system.md". Raises FileNotFoundError."""
    text = resources.files("prompts").joinpath(path).read_text("utf-8")
    return Prompt(text, hashlib.sha256(text.encode()).hexdigest()[:12])
