"""What an edit changes: the draft and the arguments before and after, as a diff and as a share."""

from collections.abc import Mapping, Sequence
from difflib import unified_diff
from math import ceil
from typing import Any

from rapidfuzz.distance import Levenshtein


def diff(
    before: tuple[Mapping[str, Any], Mapping[str, Any]], after: tuple[Mapping[str, Any], Mapping[str, Any]]
) -> list[str]:
    """The lines of a unified diff from one (arguments, preview) to another; empty where nothing differs."""
    lines = unified_diff(_lines(*before), _lines(*after), "before", "after", lineterm="", n=2)
    return list(lines)


def edit_permille(
    before: tuple[Mapping[str, Any], Mapping[str, Any]], after: tuple[Mapping[str, Any], Mapping[str, Any]]
) -> int:
    """How much was rewritten, in thousandths of the longer text: 0 only where nothing differs."""
    texts = ["\n".join(_lines(*each)) for each in (before, after)]
    return ceil(1000 * Levenshtein.normalized_distance(*texts))


def _lines(args: Mapping[str, Any], preview: Mapping[str, Any]) -> list[str]:
    """The arguments one to a line, by their path, and below them the text as somebody would read it."""
    said = [str(preview.get(part) or "") for part in ("subject", "body")]
    return [*_paths("", args), *(line for text in said for line in text.splitlines())]


def _paths(path: str, value: Any) -> Sequence[str]:
    if isinstance(value, Mapping):
        return [
            line
            for key in sorted(value)
            for line in _paths(f"{path}.{key}" if path else str(key), value[key])
        ]
    if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        return [line for n, item in enumerate(value, 1) for line in _paths(f"{path}.{n}", item)]
    shown = ", ".join(map(str, value)) if isinstance(value, list) else value
    return [] if shown in (None, "") else [f"{path}: {shown}"]
