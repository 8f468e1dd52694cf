"""Approvals over HTTP: every way to decide that is refused, each with its reason; four eyes, bulk, and what an edit changes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from server.users import add_user, change_user
from tests.server.conftest import Api, problem
from tests.world import NOW, World, far_follow_up, message, policy, proposing, record, reminder

FREE = message(None, body="Thank you, {{customer.first_name}}: {{balance}} is open.")["args"]


@pytest.fixture
def policy_text() -> str:
    """Above 5,000.00 two people have to approve."""
    text = policy().text
    assert '# four_eyes_above = "10000.00"' in text
    return text.replace('# four_eyes_above = "10000.00"', 'four_eyes_above = "5000.00"', 1)


Happens = Callable[[Api, World, str], Awaitable[str]]


async def _nothing(_: Api, __: World, waiting: str) -> str:
    return waiting


async def _limited(_: Api, world: World, waiting: str) -> str:
    async with world.pool.connection() as conn:
        await change_user(conn, name="a manager", role=None, limit_minor=99_999, now=NOW)
    return waiting


async def _edited(api: Api, world: World, waiting: str) -> str:
    """The manager edits the draft: what is asked in its place is their own proposal."""
    digest = world.sql("SELECT digest FROM approval WHERE id = %s", waiting)[0]
    body = {"decision": "edit", "action_digest": digest, "edited_args": FREE}
    (again,) = (await api.post(f"/v1/approvals/{waiting}/decision", body)).json()["asked_again"]
    return str(again)


async def _agreed(api: Api, world: World, waiting: str) -> str:
    digest = world.sql("SELECT digest FROM approval")[0]
    body = {"decision": "approve", "action_digest": digest}
    assert (await api.post(f"/v1/approvals/{waiting}/decision", body)).json()["state"] == "pending"
    return waiting


def _beside(happens: Callable[[World], object]) -> Happens:
    async def happened(_: Api, world: World, waiting: str) -> str:
        happens(world)
        return waiting

    return happened


async def _lapsed(api: Api, _: World, waiting: str) -> str:
    api.app.state.services.engine.deps.clock.advance(timedelta(hours=48))
    return waiting


def _seconds(world: World) -> None:
    world.sql("UPDATE invoice SET total_minor = 900000, balance_minor = 900000")


@dataclass(frozen=True)
class No:
    """One way that is refused: what happens first, who answers what, and what they are told."""

    status: int
    kind: str
    says: str
    ends: dict[str, int] = field(default_factory=lambda: {"pending": 1})  # approvals by their state
    happens: Happens = _nothing
    before: Callable[[World], object] = lambda _: None  # it is asked
    asks: dict[str, Any] = field(default_factory=message)
    role: str = "manager"
    answer: dict[str, Any] = field(default_factory=dict)
    leaves: dict[str, int] = field(default_factory=dict)


WITHDRAWN = {"withdrawn": 1}
REFUSED: dict[str, No] = {
    "an edit that says what may not be said": No(
        422, "refused", "The edit is refused: The wording is not allowed",
        answer={"decision": "edit", "edited_args": {**FREE, "body": "Pay or go to jail. {{balance}}"}},
    ),
    "an edit with a figure of nobody's": No(
        422, "refused", "figures or links come from no record",
        answer={"decision": "edit", "edited_args": {**FREE, "body": "You owe $5.00."}},
    ),
    "a role that is too low": No(
        403, "forbidden", "This needs a manager; a collector is a collector.", role="collector",
        asks=record("concession_request", quote="How much"),
    ),
    "a viewer": No(403, "forbidden", "This needs a collector; a viewer is a viewer.", role="viewer"),
    "an amount above the limit": No(403, "forbidden", "$1,000.00 is above a manager's limit", happens=_limited),
    "one's own proposal": No(403, "forbidden", "Nobody approves what they proposed", happens=_edited, ends={"edited": 1, "pending": 1}),
    "after the customer paid": No(409, "balance-changed", "Nothing was done", happens=_beside(lambda w: w.paid()), ends=WITHDRAWN),
    "after an opt-out": No(409, "balance-changed", "Nothing was done", happens=_beside(lambda w: w.opted_out()), ends=WITHDRAWN),
    "after it expired": No(
        410, "gone", "expired on 12 March 2026", happens=_lapsed, ends={"expired": 1},
        leaves={"follow_up": 1},  # a person's task, so that nothing is lost
    ),
    "another tool's name beside it": No(
        422, "invalid", "tool", answer={"decision": "edit", "edited_args": FREE, "tool": "schedule_follow_up"}
    ),
    "another tool's arguments": No(
        422, "refused", "The edit is refused",
        answer={"decision": "edit", "edited_args": far_follow_up()["args"]},
    ),
    "the digest of something else": No(
        409, "conflict", "not the action which waits here", answer={"action_digest": "digest-of-another"}
    ),
    "four eyes, by the same person twice": No(
        403, "forbidden", "a manager approved it already; two different people have to",
        before=_seconds, happens=_agreed,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
async def test_an_answer_that_may_not_be_given_is_refused_with_its_reason_and_nothing_happens(
    api: Api, world: World, name: str
) -> None:
    case = REFUSED[name]
    world.customer(segment="draft")
    case.before(world)
    _, (waiting,) = await world.asked(case.asks)
    waiting = await case.happens(api, world, waiting)
    seen = (await api.get(f"/v1/approvals/{waiting}")).json()["action_digest"]

    body = {"decision": "approve", "action_digest": seen, **case.answer}
    told = problem(await api.post(f"/v1/approvals/{waiting}/decision", body, role=case.role), case.status)

    assert told["type"] == f"urn:dunwell:{case.kind}"
    assert case.says in told["detail"]
    assert world.effects() == case.leaves
    assert world.count("outbox") == 0
    assert world.without_decision() == []
    assert dict(world.sql("SELECT state, count(*)::int FROM approval GROUP BY state")) == case.ends
    assert await world.chain_holds()


async def test_so_much_needs_two_different_people_and_the_second_makes_it_happen(
    api: Api, world: World
) -> None:
    world.customer(segment="draft")
    _seconds(world)
    _, (waiting,) = await world.asked(message())
    path = f"/v1/approvals/{waiting}"
    body = {"decision": "approve", "action_digest": (await api.get(path)).json()["action_digest"]}

    first = (await api.post(f"{path}/decision", body)).json()
    assert (first["state"], first["took_effect"], first["sent"]) == ("pending", False, 0)
    assert (await api.get(path)).json()["first_by"] == "a manager"
    second = (await api.post(f"{path}/decision", body, role="admin")).json()

    assert (second["state"], second["took_effect"], second["sent"]) == ("approved", True, 1)
    assert world.sql("SELECT first_by, decided_by FROM approval") == [("a manager", "a admin")]
    assert world.count("activity_log", "action = 'approval.agreed_first'") == 1
    assert await world.chain_holds()


async def test_what_is_handed_up_begins_anew_with_two_people(api: Api, world: World) -> None:
    world.customer(segment="draft")
    _seconds(world)
    _, (waiting,) = await world.asked(message())
    path = f"/v1/approvals/{waiting}/decision"
    body = {"action_digest": world.sql("SELECT digest FROM approval")[0]}
    await api.post(path, {**body, "decision": "approve"}, role="collector")
    await api.post(path, {**body, "decision": "hand_up"}, role="manager")

    again = (await api.post(path, {**body, "decision": "approve"}, role="manager")).json()
    assert (again["state"], again["took_effect"]) == ("pending", False)
    assert world.sql("SELECT first_by FROM approval") == ["a manager"]


async def _drafts(world: World, *names: str) -> dict[str, str]:
    """A reminder that waits on each of these customers, by its customer."""
    waiting = {}
    for name in names:
        world.customer(name, segment="draft")
        invoice = "inv-1" if name == "cust-1" else f"inv-{name}"
        engine = world.engine(proposing(reminder([invoice])))
        (waiting[name],) = (await engine.run(world.step(customer=name, invoice=invoice))).approvals
    return waiting


async def test_drafts_that_are_alike_are_approved_together_and_each_is_judged_by_itself(
    api: Api, world: World
) -> None:
    waiting = await _drafts(world, "cust-1", "cust-2", "cust-3", "cust-4")
    world.sql(
        "UPDATE approval SET digest = digest || 'x' WHERE customer_id = 'cust-4'"
    )  # seen and since moved
    shown = (await api.get(f"/v1/approvals/{waiting['cust-1']}")).json()
    seen = [{"id": shown["id"], "action_digest": shown["action_digest"]}, *shown["alike"]]
    assert {each["id"] for each in seen} == set(waiting.values())
    next(each for each in seen if each["id"] == waiting["cust-4"])["action_digest"] = "as it was"
    world.paid("inv-cust-2")
    _, (other,) = await world.asked(message(), customer="cust-3")
    digest = world.sql("SELECT digest FROM approval WHERE id = %s", other)[0]

    problem(await api.post("/v1/approvals/bulk", {"approvals": seen}, role="viewer"), 403)
    body = {
        "approvals": [*seen, {"id": other, "action_digest": digest}, {"id": "ap-0", "action_digest": "x"}]
    }
    report = (await api.post("/v1/approvals/bulk", body, role="collector")).json()

    told = {row["id"]: row.get("state") or row["error"]["type"] for row in report["approvals"]}
    assert told == {
        waiting["cust-1"]: "approved", waiting["cust-2"]: "urn:dunwell:balance-changed",
        waiting["cust-3"]: "approved", waiting["cust-4"]: "urn:dunwell:conflict",
        other: "urn:dunwell:refused", "ap-0": "urn:dunwell:not-found",
    }  # fmt: skip
    assert (report["approved"], report["sent"]) == (2, 2)
    assert world.count("outbox") == 2
    assert world.without_decision() == []
    assert await world.chain_holds()


async def test_what_has_to_be_read_by_itself_is_never_approved_together(api: Api, world: World) -> None:
    world.customer(segment="draft")
    world.customer("cust-2", segment="draft")
    world.sql("UPDATE invoice SET total_minor = 300000, balance_minor = 300000")  # above the low-risk limit
    world.customer("cust-3", segment="draft")
    waiting = list[str]()
    for name, invoice in (("cust-1", "inv-1"), ("cust-2", "inv-cust-2")):
        engine = world.engine(proposing(reminder([invoice])))
        waiting += (await engine.run(world.step(customer=name, invoice=invoice))).approvals
    waiting += (await world.asked(message(None, body="Hello {{balance}}."), customer="cust-3"))[1]
    waiting += (await world.asked(record("concession_request", quote="owe"), customer="cust-3"))[1]

    for approval_id in waiting:
        shown = (await api.get(f"/v1/approvals/{approval_id}")).json()
        assert shown["alike"] == []
        body = {"approvals": [{"id": approval_id, "action_digest": shown["action_digest"]}]}
        (row,) = (await api.post("/v1/approvals/bulk", body)).json()["approvals"]
        assert row["error"]["type"] == "urn:dunwell:refused"
    assert set(await world.pending()) == set(waiting)


async def test_an_edit_is_shown_as_a_diff_of_the_text_and_the_arguments(api: Api, world: World) -> None:
    world.customer(segment="draft")
    _, (waiting,) = await world.asked(message())
    path = f"/v1/approvals/{waiting}"
    body = {
        "decision": "edit",
        "action_digest": world.sql("SELECT digest FROM approval")[0],
        "edited_args": FREE,
    }
    (again,) = (await api.post(f"{path}/decision", body)).json()["asked_again"]

    for shown in [(await api.get(f"/v1/approvals/{each}")).json() for each in (waiting, again)]:
        assert "-template: balance_reply" in shown["diff"]
        assert any(line.startswith("+Thank you, Odalys: $1,000.00 is open.") for line in shown["diff"])
    assert 0 < world.sql("SELECT edit_permille FROM approval WHERE id = %s", waiting)[0] <= 1000


async def test_the_owner_of_an_account_sees_its_approvals_first(api: Api, world: World) -> None:
    async with world.pool.connection() as conn:
        key = await add_user(conn, name="dora", role="collector", limit_minor=10**9, now=NOW)
    for name, owner, minor in (("cust-1", "carla", 300_000), ("cust-2", "dora", 100_000), ("cust-3", "carla", 200_000)):  # fmt: skip
        world.customer(name, segment="draft", owner=owner)
        world.sql(
            "UPDATE invoice SET total_minor = %s, balance_minor = %s WHERE customer_id = %s",
            minor,
            minor,
            name,
        )
        await world.asked(message(), customer=name)

    mine = await api.client.get("/v1/approvals", headers={"Authorization": f"Bearer {key}"})
    theirs = await api.get("/v1/approvals")
    assert [row["customer_id"] for row in mine.json()["approvals"]] == ["cust-2", "cust-1", "cust-3"]
    assert [row["customer_id"] for row in theirs.json()["approvals"]] == ["cust-1", "cust-3", "cust-2"]
