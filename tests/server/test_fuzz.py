"""Whatever comes in over HTTP, the answer is an answer: never a 500, and every no is problem JSON."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

import pytest
from httpx import Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.proofs import proof_size
from tests.server.conftest import Api, problem
from tests.world import World, message

MAPPING = """
ext_system = "csv"
currency = "USD"
[customers]
file = "customers.csv"
columns = { id = "Id", name = "Name" }
"""
NASTY = ["\x00", "a\x00b", "\ud800", "%00", "../../etc/passwd", "' OR 1=1 --", "9" * 40, "-1", "nan", "1e999", "\u202e", "", " ", "x" * 5000]  # fmt: skip
texts = st.one_of(
    st.sampled_from(NASTY), st.text(max_size=30), st.sampled_from(["cust-1", "1", "pending", "inv-1"])
)
values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)
FIELDS = [
    "customer_id",
    "address",
    "channel",
    "body",
    "provider_id",
    "decision",
    "action_digest",
    "reason",
    "edited_args",
]
likely = st.sampled_from(
    ["cust-1", "sms", "email", "approve", "edit", "reject", "hand_up", "How much do I owe?"]
)
bodies = st.one_of(
    values,
    st.dictionaries(st.sampled_from(FIELDS), st.one_of(likely, texts, values), max_size=6),
    st.fixed_dictionaries({"customer_id": st.just("cust-1"), "body": texts}),
    st.fixed_dictionaries({"decision": st.just("edit"), "action_digest": st.just("DIGEST"), "edited_args": st.dictionaries(
        st.sampled_from([*message()["args"], "x"]), st.one_of(likely, texts, values), max_size=8)}),
)  # fmt: skip


def _path(template: str, text: str, approval: str) -> str:
    part = quote(text.encode("utf-8", "surrogatepass"), safe="") or "-"
    for name in ("customer_id", "hold_id", "outbox_id"):
        template = template.replace("{" + name + "}", part)
    return template.replace("{approval_id}", approval if len(text) % 2 else part)


async def _never_500(api: Api, send: Callable[[], Awaitable[Response]]) -> None:
    answer = await send()
    if answer.status_code >= 400:
        problem(answer, answer.status_code)
    assert answer.status_code < 500, answer.text


@pytest.mark.proof
async def test_no_request_is_answered_with_a_500(
    api: Api, world: World, record_property: Callable[[str, object], None]
) -> None:
    """Generated paths, parameters and bodies on every route, with the key of somebody who may do everything."""
    world.customer(segment="draft")
    _, (waiting,) = await world.asked(message())
    digest = (await api.get(f"/v1/approvals/{waiting}")).json()["action_digest"]
    paths = api.app.openapi()["paths"]
    routes = [
        (m.upper(), p)
        for p, methods in paths.items()
        for m in methods
        if p not in ("/v1/imports", "/v1/cycles")
    ]
    loop, cases = asyncio.get_running_loop(), 0

    @settings(max_examples=proof_size(test=120, prove=4000), suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(routes), texts, st.dictionaries(
        st.sampled_from(["limit", "offset", "text", "state", "customer", "assignee"]), texts, max_size=3), bodies)  # fmt: skip
    def attack(route: tuple[str, str], text: str, params: dict[str, str], body: Any) -> None:
        nonlocal cases
        cases += 1
        content = json.dumps(body).replace("DIGEST", digest).encode()
        query = "&".join(
            f"{k}={quote(v.encode('utf-8', 'surrogatepass'), safe='')}" for k, v in params.items()
        )
        url = f"{_path(route[1], text, waiting)}?{query}"
        headers = {**api.headers("admin"), "content-type": "application/json"}
        send = lambda: api.client.request(route[0], url, content=content, headers=headers)  # noqa: E731 - one line
        asyncio.run_coroutine_threadsafe(_never_500(api, send), loop).result(60)

    await asyncio.to_thread(attack)
    record_property("cases", cases)
    assert await world.chain_holds()
    assert world.without_decision() == []


NAMES = ["../../x.csv", "/etc/passwd", "..", ".", "a/b.csv", "..\\x.csv", "a\x00.csv", "x" * 300, ".hidden", "-", "", "con\n.csv"]  # fmt: skip


async def test_an_upload_that_is_not_called_by_a_plain_name_is_refused(api: Api, world: World) -> None:
    for name in NAMES:
        problem(await api.upload({"mapping.toml": MAPPING, name: "Id,Name\nK1,Ada\n"}), 422)
    assert world.count("customer") == world.count("import_batch") == 0


MAPPINGS = {
    "no mapping": None,
    "no TOML": "[[[",
    "not UTF-8": b"\xff\xfe\x00",
    "NUL": MAPPING + "\x00",
    "a file outside": MAPPING.replace("customers.csv", "/etc/passwd"),
    "a file above": MAPPING.replace("customers.csv", "../../../etc/passwd"),
    "a file that is a folder": MAPPING.replace("customers.csv", "."),
    "a missing file": MAPPING.replace("customers.csv", "other.csv"),
    "a long name": MAPPING.replace("customers.csv", "x" * 400 + ".csv"),
    "a name with NUL": MAPPING.replace("customers.csv", "x\\u0000.csv"),
}


async def test_a_mapping_that_cannot_be_used_is_refused_and_reads_nothing_of_ours(
    api: Api, world: World
) -> None:
    files: dict[str, str | bytes] = {"customers.csv": "Id,Name\nK1,Ada\n"}
    for case, mapping in MAPPINGS.items():
        answer = await api.upload(files if mapping is None else {**files, "mapping.toml": mapping})
        assert "root:" not in str(problem(answer, 422)), case
    assert world.count("customer") == 0


async def test_an_upload_goes_in_and_its_bad_rows_are_named(api: Api, world: World) -> None:
    rows = "Id,Name\nK1,Ada\nK2,A\x00b\nK3,Ev\u00e9\nK4\n"
    report = (await api.upload({"mapping.toml": MAPPING, "customers.csv": rows})).json()

    assert report["counts"]["customers"]["new"] == 2
    assert [row["line"] for row in report["rejected"]] == [3, 5]
    assert world.sql("SELECT imported_by FROM import_batch") == ["a manager"]
    problem(await api.post("/v1/imports", {"files": []}), 422)


async def test_two_uploads_of_one_name_are_refused_and_not_one_of_them_lost(api: Api, world: World) -> None:
    files = [("files", ("customers.csv", "Id,Name\nK1,Ada\n"))] * 2 + [("files", ("mapping.toml", MAPPING))]
    answer = await api.client.post("/v1/imports", files=files, headers=api.headers("manager"))
    problem(answer, 422)
