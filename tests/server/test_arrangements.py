"""A person moves arrangements on, over HTTP; and the clock ends plans. Each refusal has its reason, and nothing happened."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, LiteralString

import pytest

from agent.approvals import decide
from agent.cycle.arrangements import move
from agent.cycle.sweep import ledger_clears, sweep, watch_plans
from server.erasure import erase_customer
from tests.server.conftest import Api, problem
from tests.world import COLLECTOR, MANAGER, World, policy, proposing, record
from tools.arrangements.reasons import reason_digest
from tools.errors import Invalid


async def _hold(world: World, kind: str, **given: Any) -> int:
    world.customer()
    await world.engine(proposing(record(kind, **given))).run(await world.hears(str(given["quote"])))
    [hold_id] = world.sql("SELECT id FROM hold")
    return int(hold_id)


@pytest.mark.parametrize(
    ("role", "status"), [("viewer", 403), ("collector", 403), ("manager", 200), ("admin", 200)]
)
async def test_a_grave_hold_is_lifted_by_a_manager(world: World, api: Api, role: str, status: int) -> None:
    hold_id = await _hold(world, "deceased", quote="he has died")
    answer = await api.post(
        f"/v1/arrangements/hold/{hold_id}/state", {"state": "lifted", "reason": "it was the neighbour"}, role
    )
    assert answer.status_code == status, answer.text
    assert world.count("hold", "state = 'lifted'") == (status == 200)
    assert world.count("activity_log", "action = 'hold.lifted'") == (status == 200)


async def test_a_part_dispute_leaves_the_rest_undisputed_and_a_collector_closes_it_once(
    world: World, api: Api
) -> None:
    await _hold(
        world,
        "dispute",
        reason="price",
        invoices=["inv-1"],
        amount="300",
        quote="300 is for the second visit",
    )
    file = (await api.get("/v1/customers/cust-1/arrangements")).json()
    assert (file["owed_minor"], file["undisputed_minor"]) == (100_000, 70_000)
    [dispute] = [row["id"] for row in file["arrangements"] if row["kind"] == "dispute"]
    step = {"state": "resolved_for_us", "reason": "the price was agreed"}
    problem(await api.post(f"/v1/arrangements/dispute/{dispute}/state", step, "viewer"), 403)
    assert (await api.post(f"/v1/arrangements/dispute/{dispute}/state", step, "collector")).status_code == 200
    problem(await api.post(f"/v1/arrangements/dispute/{dispute}/state", step, "collector"), 409)
    assert (await api.get("/v1/customers/cust-1/arrangements")).json()["undisputed_minor"] == 100_000
    assert await world.chain_holds()


async def test_a_write_off_needs_another_person_a_manager_with_the_limit(world: World, api: Api) -> None:
    world.customer()
    asked = {"invoices": ["inv-1"], "reason": "the company was dissolved"}
    problem(await api.post("/v1/customers/cust-1/write-offs", asked, "viewer"), 403)
    problem(
        await api.post("/v1/customers/cust-1/write-offs", {**asked, "invoices": ["inv-9"]}, "collector"), 422
    )
    request = (await api.post("/v1/customers/cust-1/write-offs", asked, "manager")).json()["id"]
    problem(await api.post("/v1/customers/cust-1/write-offs", asked, "manager"), 409)
    path = f"/v1/arrangements/ledger_request/{request}/state"
    approve = {"state": "approved", "reason": "agreed"}
    problem(await api.post(path, approve, "manager"), 403)  # their own
    problem(await api.post(path, approve, "collector"), 403)
    world.sql("UPDATE app_user SET limit_minor = 99999 WHERE role = 'admin'")
    problem(await api.post(path, approve, "admin"), 403)  # above the limit
    problem(await api.post(path, {**approve, "state": "entered"}, "admin"), 409)
    problem(await api.post(path, {**approve, "state": "gone"}, "admin"), 422)
    problem(await api.post("/v1/arrangements/ledger_request/999/state", approve, "admin"), 404)
    assert world.sql("SELECT state FROM ledger_request") == ["proposed"]
    world.sql("UPDATE app_user SET limit_minor = 100000 WHERE role = 'admin'")
    assert (await api.post(path, approve, "admin")).status_code == 200
    world.sql("UPDATE invoice SET ledger_state = 'written_off'")
    await ledger_clears(world.engine(proposing()), "cust-1")
    assert world.sql("SELECT state FROM ledger_request") == ["entered"]
    assert await world.chain_holds()


async def _written_off(world: World, api: Api, minor: int = 100_000) -> tuple[str, dict[str, str]]:
    world.customer()
    world.sql("UPDATE invoice SET total_minor = %s, balance_minor = %s", minor, minor)
    asked = {"invoices": ["inv-1"], "reason": "the company was dissolved"}
    answer = await api.post("/v1/customers/cust-1/write-offs", asked, "collector")
    path = f"/v1/arrangements/ledger_request/{answer.json()['id']}/state"
    return path, {"state": "approved", "reason": "  agreed "}


class TestFourEyes:
    @pytest.fixture
    def policy_text(self) -> str:
        text = policy().text
        return text.replace('# four_eyes_above = "10000.00"', 'four_eyes_above = "100.00"', 1)

    async def test_above_the_bound_two_people_approve_a_write_off(self, world: World, api: Api) -> None:
        path, approve = await _written_off(world, api, 1_000_001)
        first = (await api.post(path, approve, "manager")).json()
        assert (first["state"], first["outcome"]) == ("proposed", "A second person has to approve it.")
        problem(await api.post(path, approve, "manager"), 403)
        assert world.sql("SELECT state, first_by FROM ledger_request") == [("proposed", "a manager")]
        assert (await api.post(path, approve, "admin")).json()["state"] == "approved"
        assert world.sql("SELECT state, first_by, approved_by FROM ledger_request") == [
            ("approved", "a manager", "a admin")
        ]
        assert world.sql("SELECT action, actor FROM activity_log WHERE action LIKE 'ledger_request%%' ORDER BY seq") == [
            ("ledger_request.proposed", "a collector"), ("ledger_request.agreed_first", "a manager"),
            ("ledger_request.approved", "a admin"),
        ]  # fmt: skip
        assert await world.chain_holds()


async def _claims_fraud(world: World) -> None:
    said = "Somebody stole my identity, I never ordered this."
    await world.engine(proposing(record("fraud_claim", quote=said))).run(await world.hears(said))


async def _pays(world: World) -> None:
    world.paid()


async def _disputes(world: World) -> None:
    world.disputed()


MOVES: dict[str, Callable[[World], Awaitable[None]]] = {
    "what is owed changed": _pays,
    "there is a dispute": _disputes,
    "fraud_claim": _claims_fraud,
}


@pytest.mark.parametrize("says", MOVES)
async def test_a_write_off_whose_facts_moved_is_not_approved(world: World, api: Api, says: str) -> None:
    path, approve = await _written_off(world, api)
    await MOVES[says](world)
    told = problem(await api.post(path, approve, "manager"), 409)
    assert told["type"] == "urn:dunwell:balance-changed"
    assert says in told["detail"]
    assert world.sql("SELECT state, approved_by, first_by FROM ledger_request") == [("proposed", None, None)]
    assert world.count("activity_log", "action = 'ledger_request.approved'") == 0


async def test_a_write_off_that_nobody_approved_in_time_lapses_and_may_be_proposed_again(
    world: World, api: Api
) -> None:
    path, approve = await _written_off(world, api)
    clock = api.app.state.services.engine.deps.clock
    clock.advance(timedelta(hours=48))
    problem(await api.post(path, approve, "manager"), 410)
    again = {"invoices": ["inv-1"], "reason": "once more"}
    assert (await api.post("/v1/customers/cust-1/write-offs", again, "collector")).status_code == 200
    assert world.sql("SELECT state FROM ledger_request ORDER BY id") == ["withdrawn", "proposed"]
    clock.advance(timedelta(hours=48))
    swept = await sweep(api.app.state.services.engine)
    assert swept.requests_expired == 1
    assert world.sql("SELECT state FROM ledger_request ORDER BY id") == ["withdrawn", "withdrawn"]
    assert world.count("activity_log", "action = 'ledger_request.withdrawn' AND actor = 'system'") == 2
    assert await world.chain_holds()


async def test_a_write_off_that_waits_is_listed_beside_the_approvals_with_where_to_decide_it(
    world: World, api: Api
) -> None:
    path, approve = await _written_off(world, api)
    [listed] = (await api.get("/v1/approvals")).json()["ledger_requests"]
    assert (listed["decide_at"], listed["amount_minor"], listed["proposed_by"]) == (
        path,
        100_000,
        "a collector",
    )
    assert (await api.get("/v1/approvals", state="approved")).json()["ledger_requests"] == []
    await api.post(path, approve, "manager")
    assert (await api.get("/v1/approvals")).json()["ledger_requests"] == []


async def test_why_a_person_made_a_step_is_kept_until_the_customer_is_erased(world: World, api: Api) -> None:
    path, approve = await _written_off(world, api)
    for nothing in ("", "   "):
        problem(await api.post(path, {**approve, "reason": nothing}, "manager"), 422)
    with pytest.raises(Invalid):
        await move(
            api.app.state.services.engine, "ledger_request", path.split("/")[-2], "approved", MANAGER, " \n"
        )
    await api.post(path, approve, "manager")
    kept: LiteralString = "SELECT kind, step, by, reason FROM arrangement_reason"
    assert world.sql(kept) == [("ledger_request", "approved", "a manager", "agreed")]
    [salt] = world.sql("SELECT salt FROM customer")
    [told] = world.sql(
        "SELECT subject ->> 'reason' FROM activity_log WHERE action = 'ledger_request.approved'"
    )
    assert told == reason_digest(salt, "agreed")
    await erase_customer(world.engine(proposing()), "cust-1", by="mona")
    assert world.sql(kept) == [("ledger_request", "approved", "a manager", None)]


async def test_an_approved_credit_hold_waits_to_be_entered(world: World) -> None:
    world.customer()
    engine, [approval] = await world.asked(record("credit_hold_recommendation", reason="broke two promises"))
    await decide.decide(engine, approval, await world.decision(approval), MANAGER)
    assert world.sql("SELECT kind, state, amount_minor, proposed_by, approved_by FROM ledger_request") == [
        ("credit_hold", "approved", 100_000, "agent", "mona")
    ]


async def test_a_plan_that_misses_an_instalment_defaults_and_a_person_hears_of_it(world: World) -> None:
    """Its first instalment is due in a week: it defaults on the day after, once, and another plan may take its place."""
    world.customer()
    call = record("plan_request", instalments=2, every="week", first_on=None, invoices=["inv-1"], offer=None)
    engine, [approval] = await world.asked(call)
    await decide.decide(engine, approval, await world.decision(approval), COLLECTOR)
    world.sql("UPDATE payment_plan SET state = 'offered'")
    world.sql("UPDATE payment_plan SET state = 'active'")
    for days, expected in ((7, (0, 0)), (1, (0, 1)), (1, (0, 0))):
        world.clock.advance(timedelta(days=days))
        assert await watch_plans(engine) == expected
    assert world.sql("SELECT state FROM payment_plan") == ["defaulted"]
    assert world.count("follow_up", "kind = 'review' AND reason LIKE 'The payment plan was not kept%%'") == 1
    assert await world.chain_holds()
