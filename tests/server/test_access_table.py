"""Who may call what: every route of the API, each role, each scope, and nobody. A route that is not in the table fails."""

from datetime import timedelta

from agent.policy.verdict import ROLES
from server.identity.keys import SCOPES, add_key
from tests.server.conftest import Api, problem
from tests.world import NOW, World

OPEN, ANYONE, SIGNED = "open", "anyone", "signed"  # by a provider, or a token of ours in the address
LOOK, ACT, INGEST, ADMIN = (
    ("viewer", "read"),
    ("collector", "decide"),
    ("collector", "ingest"),
    ("admin", "admin"),
)
TABLE: dict[tuple[str, str], tuple[str, str] | str] = {
    ("GET", "/healthz"): OPEN,
    ("GET", "/readyz"): OPEN,
    ("POST", "/v1/session"): OPEN,
    ("GET", "/v1/session"): ANYONE,
    ("DELETE", "/v1/session"): ANYONE,
    ("GET", "/metrics"): LOOK,
    ("GET", "/v1/customers"): LOOK,
    ("GET", "/v1/customers/{customer_id}/state"): LOOK,
    ("GET", "/v1/customers/{customer_id}/timeline"): LOOK,
    ("GET", "/v1/customers/{customer_id}/decisions"): LOOK,
    ("GET", "/v1/customers/{customer_id}/arrangements"): LOOK,
    ("GET", "/v1/customers/{customer_id}/consent"): LOOK,
    ("GET", "/v1/customers/{customer_id}/file"): ADMIN,
    ("GET", "/v1/episodes"): LOOK,
    ("GET", "/v1/counts"): LOOK,
    ("GET", "/v1/approvals"): LOOK,
    ("GET", "/v1/approvals/{approval_id}"): LOOK,
    ("GET", "/v1/autonomy"): LOOK,
    ("POST", "/v1/autonomy/{segment}/promote"): ADMIN,
    ("GET", "/v1/outbox"): LOOK,
    ("GET", "/v1/outbox/{outbox_id}"): LOOK,
    ("POST", "/v1/approvals/{approval_id}/decision"): ACT,
    ("POST", "/v1/approvals/bulk"): ACT,
    ("POST", "/v1/arrangements/{kind}/{arrangement_id}/state"): ACT,
    ("POST", "/v1/customers/{customer_id}/write-offs"): ACT,
    ("POST", "/v1/outbox/{outbox_id}/retry"): ACT,
    ("POST", "/v1/outbox/{outbox_id}/confirm"): ACT,
    ("POST", "/v1/cycles"): ACT,
    ("GET", "/v1/messages/{message_id}"): LOOK,
    ("POST", "/v1/messages"): INGEST,
    ("POST", "/v1/imports"): ("manager", "ingest"),
    ("GET", "/v1/users"): ADMIN,
    ("POST", "/v1/users/{name}/disable"): ADMIN,
    ("GET", "/v1/keys"): ADMIN,
    ("DELETE", "/v1/keys/{key_id}"): ADMIN,
    ("GET", "/v1/inbox"): LOOK,
    ("POST", "/v1/inbox/{inbox_id}/assign"): ACT,
    ("POST", "/v1/inbox/{inbox_id}/dismiss"): ACT,
    ("POST", "/webhooks/twilio/messages"): SIGNED,
    ("POST", "/webhooks/twilio/status"): SIGNED,
    ("POST", "/webhooks/sendgrid/inbound"): SIGNED,
    ("POST", "/webhooks/sendgrid/inbound/{secret}"): SIGNED,
    ("POST", "/webhooks/sendgrid/events"): SIGNED,
    ("GET", "/webhooks/challenge"): SIGNED,
    ("GET", "/unsubscribe/{token}"): SIGNED,
    ("POST", "/unsubscribe/{token}"): SIGNED,
}
FILLED = {"outbox_id": "1", "inbox_id": "1", "message_id": "1", "kind": "promise"}


def filled(path: str) -> str:
    """The path with ids in it that nothing has."""
    for name, value in FILLED.items():
        path = path.replace(f"{{{name}}}", value)
    return path.replace("{", "").replace("}", "")


def test_every_role_and_scope_is_asked_for_somewhere() -> None:
    needs = [need for need in TABLE.values() if isinstance(need, tuple)]
    assert {role for role, _ in needs} == set(ROLES)
    assert {scope for _, scope in needs} == set(SCOPES)


async def test_the_table_is_the_api(api: Api) -> None:
    served = {
        (method.upper(), path)
        for path, methods in api.app.openapi()["paths"].items()
        for method in methods
        if method in ("get", "put", "post", "delete", "patch", "head", "options", "trace")
    }
    assert served == set(TABLE)


async def _status(api: Api, method: str, path: str, key: str | None) -> int:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    answer = await api.client.request(
        method, filled(path), headers=headers, json=None if method == "GET" else {}
    )
    if answer.status_code >= 400:
        problem(answer, answer.status_code)
    return answer.status_code


async def test_each_route_lets_in_whom_the_table_says_and_nobody_else(api: Api, world: World) -> None:
    async with world.pool.connection() as conn:
        of_admin = {
            scope: await add_key(
                conn, name="a admin", scopes=[scope], now=NOW, lifetime=timedelta(days=1), label=scope
            )
            for scope in SCOPES
        }
    for (method, path), need in TABLE.items():
        if need == OPEN:
            assert await _status(api, method, path, None) in (200, 422), path
            continue
        if need == SIGNED:  # and no key of anybody's stands in for that
            for key in (None, *api.keys.values()):
                assert await _status(api, method, path, key) in (403, 404, 422), path
            continue
        assert await _status(api, method, path, None) == 401, path
        for role in ROLES:
            enough = not isinstance(need, tuple) or ROLES.index(role) >= ROLES.index(need[0])
            got = await _status(api, method, path, api.keys[role])
            assert (got not in (401, 403)) is enough, (method, path, role, got)
        for scope in SCOPES:
            enough = not isinstance(need, tuple) or scope == need[1]
            got = await _status(api, method, path, of_admin[scope])
            assert (got not in (401, 403)) is enough, (method, path, scope, got)


async def test_a_first_key_has_the_scopes_of_its_role(api: Api) -> None:
    for role, scopes in (
        ("viewer", ["read"]),
        ("collector", ["read", "decide", "ingest"]),
        ("manager", ["read", "decide", "ingest"]),
        ("admin", list(SCOPES)),
    ):
        assert (await api.get("/v1/session", role=role)).json()["scopes"] == scopes
