"""Named SQL blocks: `queries.sql` beside the code that runs it, one `-- name --` header a block."""

import re
from functools import cache
from importlib import resources
from typing import LiteralString, cast

_HEADER = re.compile(r"^-- (\w+) --$", re.MULTILINE)


@cache
def load(package: str) -> dict[str, LiteralString]:
    """The blocks of `queries.sql` in `package`, by name. Raises KeyError on a name twice."""
    text = resources.files(package).joinpath("queries.sql").read_text("utf-8")
    parts = _HEADER.split(text)[1:]
    names, bodies = parts[::2], parts[1::2]
    if len(set(names)) != len(names):
        raise KeyError(f"{package}: a query name occurs twice")
    # The cast is what lets psycopg's type check see that no block is built from input.
    return {name: cast(LiteralString, body.strip()) for name, body in zip(names, bodies, strict=True)}
