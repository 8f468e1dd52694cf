"""The HTTP API: who gets in, what each route answers, and how it says no."""

from typing import Any

import pytest

from server.db import Connection
from server.users import add_user
from tests.server.conftest import Api, problem
from tests.world import NOW, World, message, note
from tools.errors import Invalid

OPEN = {"/healthz", "/readyz"}
LOGIN = ("POST", "/v1/session")  # tests/server/test_sessions.py
SIGNED = ("/webhooks/", "/unsubscribe/")  # tests/server/test_access_table.py


def _routes(api: Api) -> list[tuple[str, str]]:
    """Every method and path that the application serves, ids filled in."""
    paths = api.app.openapi()["paths"]
    return [
        (
            method.upper(),
            path.replace("{", "")
            .replace("}", "")
            .replace("hold_id", "1")
            .replace("outbox_id", "1")
            .replace("inbox_id", "1"),
        )
        for path, methods in paths.items()
        for method in methods
    ]


async def test_nothing_but_health_and_the_login_is_served_without_a_key(api: Api) -> None:
    routes = [route for route in _routes(api) if route != LOGIN and not route[1].startswith(SIGNED)]
    assert len(routes) >= 17
    for method, path in [
        *routes,
        ("GET", "/v1/openapi.json"),
        ("GET", "/docs"),
        ("GET", "/nothing"),
        ("PUT", "/v1"),
    ]:
        for headers in ({}, {"Authorization": "Bearer dw_x_y"}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer"}):  # fmt: skip
            answer = await api.client.request(method, path, headers=headers)
            if path in OPEN:
                assert answer.status_code == 200, path
            else:
                told = problem(answer, 401)
                assert told["type"] == "urn:dunwell:unauthenticated"
                assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_body_is_not_even_read_without_a_key(api: Api) -> None:
    for content, kind in (
        (b"{not json", "application/json"),
        (b"x" * 1000, "multipart/form-data; boundary=b"),
    ):
        for path in ("/v1/messages", "/v1/imports", "/v1/approvals/x/decision"):
            answer = await api.client.post(path, content=content, headers={"content-type": kind})
            problem(answer, 401)


async def test_a_key_is_a_secret_and_goes_with_its_user(api: Api, world: World) -> None:
    key = api.keys["viewer"]
    tampered = [
        key[:-1],
        key + "x",
        key.replace("dw_", "xx_"),
        key.upper(),
        "dw_\x00_\x00",
        key.rsplit("_", 1)[0] + "_",
    ]
    for wrong in tampered:
        answer = await api.client.get("/v1/counts", headers={"Authorization": f"Bearer {wrong}"})
        problem(answer, 401)
    stored = str(world.sql("SELECT * FROM app_user") + world.sql("SELECT * FROM api_key"))
    assert key.rsplit("_", 1)[1] not in stored

    assert (await api.get("/v1/counts")).status_code == 200
    world.sql("UPDATE app_user SET disabled_at = %s WHERE role = 'viewer'", NOW)
    problem(await api.get("/v1/counts"), 401)


@pytest.mark.parametrize(
    "name", ["system", "Agent", "policy", "customer", "", " ", "a\nb", "a\x00b", "x" * 81]
)
async def test_nobody_is_called_like_the_system(conn: Connection, name: str) -> None:
    """A user called system would pass for the system's own decisions, in the log and in the code."""
    with pytest.raises(Invalid):
        await add_user(conn, name=name, role="admin", limit_minor=0, now=NOW)


async def test_the_api_describes_itself_to_whoever_has_a_key(api: Api) -> None:
    described = (await api.get("/v1/openapi.json")).json()
    assert "/v1/approvals/{approval_id}/decision" in described["paths"]
    for path, methods in described["paths"].items():
        for verb, method in methods.items():
            assert method["summary"]
            open_ = path in OPEN or path.startswith(SIGNED) or (verb.upper(), path) == LOGIN
            assert method.get("security") or open_, path
            assert method["responses"]["422"]["content"]["application/problem+json"] or path in OPEN


async def test_each_role_may_do_what_it_may_and_no_more(api: Api, world: World) -> None:
    world.customer()
    for path in (
        "/v1/messages",
        "/v1/cycles",
        "/v1/approvals/ap-x/decision",
        "/v1/arrangements/hold/1/state",
        "/v1/imports",
    ):
        body = {"decision": "approve", "action_digest": "x", "reason": "x"}
        told = problem(await api.post(path, body, role="viewer"), 403)
        assert told["type"] == "urn:dunwell:forbidden"
    problem(await api.upload({"mapping.toml": ""}, role="collector"), 403)


async def test_reading_routes_show_the_customer_the_conversation_and_the_decisions(
    api: Api, world: World
) -> None:
    world.customer(segment="draft")
    _, (waiting,) = await world.asked(note(), message())

    assert [c["id"] for c in (await api.get("/v1/customers", text="Quill")).json()["customers"]] == ["cust-1"]
    state = (await api.get("/v1/customers/cust-1/state")).json()
    assert (state["overdue_minor"], [a["id"] for a in state["approvals"]]) == (100_000, [waiting])
    assert [m["direction"] for m in (await api.get("/v1/customers/cust-1/timeline")).json()["timeline"]] == [
        "in"
    ]
    assert len((await api.get("/v1/customers/cust-1/decisions")).json()["decisions"]) == 2
    assert [
        e["customer_id"] for e in (await api.get("/v1/episodes", customer="cust-1")).json()["episodes"]
    ] == ["cust-1"]
    assert [a["id"] for a in (await api.get("/v1/approvals")).json()["approvals"]] == [waiting]
    file = (await api.get(f"/v1/approvals/{waiting}")).json()
    assert file["action"] == {"tool": "generate_dunning_message", "args": message()["args"]}
    assert {"preview", "reasons", "facts", "conversation", "action_digest"} <= set(file)
    assert (await api.get("/v1/counts")).json()["approvals_waiting"] == 1
    assert (await api.get("/v1/outbox", state="queued")).json() == {"outbox": []}


async def test_a_message_is_answered_once_and_sent(api: Api, world: World) -> None:
    world.customer(segment="assisted")
    body = {"customer_id": "cust-1", "channel": "sms", "body": "How much do I owe?", "provider_id": "SM1"}

    first = (await api.post("/v1/messages", body, role="collector")).json()
    again = (await api.post("/v1/messages", body, role="collector")).json()

    assert (first["state"], first["sent"], first["duplicate"]) == ("committed", 1, False)
    assert "$1,000.00" in first["timeline"][-1]["body"]
    assert (again["state"], again["sent"], again["duplicate"]) == ("fenced", 0, True)
    (row,) = (await api.get("/v1/outbox")).json()["outbox"]
    assert (await api.get(f"/v1/outbox/{row['id']}")).json()["body"] == first["timeline"][-1]["body"]


async def test_a_cycle_runs_and_a_second_one_sends_nothing_twice(api: Api, world: World) -> None:
    world.customer(segment="assisted")
    first, second = [(await api.post("/v1/cycles", role="collector")).json() for _ in range(2)]
    assert (first["sent"], second["sent"], second["failed"]) == (1, 0, [])


async def test_an_approval_is_decided_once_over_http_and_every_no_has_its_status(
    api: Api, world: World
) -> None:
    world.customer(segment="draft")
    _, (waiting,) = await world.asked(message())
    path = f"/v1/approvals/{waiting}/decision"
    digest = (await api.get(f"/v1/approvals/{waiting}")).json()["action_digest"]
    good = {"decision": "approve", "action_digest": digest}

    problem(await api.post("/v1/approvals/ap-none/decision", good), 404)
    bad: Any
    for bad in (
        {},
        {"decision": "approve"},
        {**good, "decision": "yes"},
        {**good, "more": 1},
        [],
        "approve",
        None,
    ):
        problem(await api.post(path, bad), 422)
    problem(await api.post(path, {**good, "action_digest": "x"}), 409)
    problem(await api.post(path, {**good, "decision": "edit", "edited_args": {}}), 422)
    done = await api.post(path, good)
    assert done.status_code == 200, done.text
    assert (done.json()["state"], done.json()["took_effect"], done.json()["sent"]) == ("approved", True, 1)
    again = problem(await api.post(path, good), 409)
    assert again["type"] == "urn:dunwell:already-decided"


async def test_a_hold_is_lifted_once_with_a_reason(api: Api, world: World) -> None:
    world.customer(segment="assisted")
    await api.post("/v1/messages", {"customer_id": "cust-1", "body": "I want to dispute this invoice."})
    holds = [hold["id"] for hold in (await api.get("/v1/customers/cust-1/state")).json()["holds"]]
    assert holds
    path, lifted = f"/v1/arrangements/hold/{holds[0]}/state", {"state": "lifted", "reason": "clarified"}
    for nothing in ("", "  \t"):
        problem(await api.post(path, {**lifted, "reason": nothing}), 422)
    assert (await api.post(path, lifted)).json()["customer"] == "cust-1"
    problem(await api.post(path, lifted), 409)
    assert world.sql("SELECT lifted_by FROM hold WHERE lifted_at IS NOT NULL") == ["a manager"]


async def test_an_unknown_sender_and_a_shared_address_are_told_nothing(api: Api, world: World) -> None:
    world.customer()
    world.customer("cust-2", name="Thistlewick Laundry")
    world.contact("cust-2", "email", "billing@cust-1.example")  # two customers, one address
    body = {"channel": "email", "body": "What do I owe?", "provider_id": "E1"}

    unknown = await api.post("/v1/messages", {**body, "address": "who@else.example"})
    shared = await api.post(
        "/v1/messages", {**body, "address": "BILLING@cust-1.example", "provider_id": "E2"}
    )

    assert (unknown.status_code, unknown.json()["why"]) == (202, "unknown_sender")
    assert (shared.status_code, shared.json()["why"]) == (202, "shared_address")
    for told in (unknown.text, shared.text):
        for secret in ("cust-1", "cust-2", "Quillfeather", "Thistlewick", "1,000", "inv-", "@"):
            assert secret not in told
    assert world.count("message") == world.count("outbox") == 0
    assert world.sql("SELECT customer_ids FROM unmatched_message ORDER BY id") == [[], ["cust-1", "cust-2"]]


async def test_a_database_that_is_gone_is_a_503_and_a_defect_says_nothing_of_our_insides(
    api: Api, world: World
) -> None:
    @api.app.get("/v1/defect")
    async def defect() -> None:
        raise ZeroDivisionError("a secret")

    told = problem(await api.get("/v1/defect"), 500)
    assert "secret" not in str(told)
    await world.pool.close()
    running = api.app.state.services
    await running.pool.close()
    problem(await api.get("/v1/counts"), 503)


async def test_ready_says_when_the_schema_is_not_current(api: Api, world: World) -> None:
    world.sql("UPDATE alembic_version SET version_num = 'old'")
    problem(await api.client.get("/readyz"), 503)
    assert (await api.client.get("/healthz")).status_code == 200
