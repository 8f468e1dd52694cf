"""The providers' official API descriptions, and what one of our requests breaks of them."""

import json
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from evals.providers.loopback import Request

if TYPE_CHECKING:
    from openapi_core import OpenAPI

_SPECS = Path(__file__).resolve().parents[3] / "shared" / "specs"


def described(file: str, paths: Collection[str]) -> "OpenAPI":
    """The description in `../shared/specs`, cut to the paths that we use. Skips the test where the folder is absent."""
    from openapi_core import OpenAPI  # two seconds that every run of any test would wait for

    whole = read(file)
    cut = {**whole, "paths": {path: whole["paths"][path] for path in paths}}
    schemas = whole["components"]["schemas"]
    used: set[str] = set()
    others = {kind: named for kind, named in whole["components"].items() if kind != "schemas"}
    waiting = list(_references([cut["paths"], others]))
    while waiting:
        if (name := waiting.pop()) not in used:
            used.add(name)
            waiting += _references(schemas[name])
    components = {**whole["components"], "schemas": {name: schemas[name] for name in used}}
    return OpenAPI.from_dict({**cut, "components": components})


def defects(description: "OpenAPI", request: Request, host: str) -> list[str]:
    """What a captured request breaks, in the description's words; nothing where it is as described."""
    from openapi_core.testing import MockRequest
    from werkzeug.datastructures import ImmutableMultiDict

    asked = MockRequest(
        host_url=host,
        method=request.method.lower(),
        path=urlsplit(request.target).path,
        args=ImmutableMultiDict(parse_qsl(urlsplit(request.target).query, keep_blank_values=True)),
        headers={name.title(): value for name, value in request.headers.items()},
        data=request.body,
        content_type=request.headers.get("content-type", ""),
    )
    return [str(error.__cause__ or error) for error in description.iter_request_errors(asked)]


def fields(file: str, path: str, *, schema: str | None = None) -> set[str]:
    """The fields that a description names: of a form posted to `path`, or of a `schema`."""
    whole = read(file)
    if schema is not None:
        return set(whole["components"]["schemas"][schema]["properties"])
    content = whole["paths"][path]["post"]["requestBody"]["content"]
    return set(content["application/x-www-form-urlencoded"]["schema"]["properties"])


@cache
def read(file: str) -> dict[str, Any]:
    """A description as it is. Skips the test where the folder is absent."""
    source = _SPECS / file
    if not source.exists():
        pytest.skip("the providers' descriptions are not here: they belong in ../shared/specs")
    whole: dict[str, Any] = json.loads(source.read_text("utf-8"))
    return whole


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(name := node.get("$ref"), str) and name.startswith("#/components/schemas/"):
            yield name.rsplit("/", 1)[1]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)
