"""From the text of a template to the text of a message: which lines stay, and how they are joined."""

import re
from collections.abc import Collection

from tools.dunning.placeholders import fillable, names_in, substitute
from tools.dunning.sources import Sources

_LINE_ENDS = re.compile(r"\\(?: |$)")


def split_subject(text: str) -> tuple[str | None, str]:
    """The subject of an email template, and the text below it."""
    first, _, rest = text.partition("\n")
    if first.startswith("Subject: "):
        return first.removeprefix("Subject: ").strip(), rest.strip()
    return None, text.strip()


def lay_out(text: str, sources: Sources, needs: Collection[str]) -> str:
    """A reviewed text, filled: one sentence a line there, paragraphs here.

    A line with a placeholder that is not among `needs` and cannot be filled is left out, so that no sentence speaks
    of a payment link that does not exist; one among `needs` raises Undraftable. A backslash ends a line for good.
    """
    paragraphs = []
    for paragraph in text.split("\n\n"):
        lines = [
            substitute(line, sources)
            for line in paragraph.splitlines()
            if all(name in needs or fillable(name, sources) for name in names_in(line))
        ]
        joined = _LINE_ENDS.sub("\n", " ".join(lines))
        if joined:
            paragraphs.append(joined)
    return "\n\n".join(paragraphs)


def fill_body(body: str, sources: Sources) -> str:
    """A free text, filled line by line as it was written: every placeholder in it is needed."""
    return "\n".join(substitute(line.rstrip(), sources) for line in body.strip().split("\n"))
