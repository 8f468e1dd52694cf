"""Dead letters over HTTP: who sees them, who may send one again, and what the log says."""

from server.sender import dispatch_due
from tests.server.conftest import Api, problem
from tests.server.providers import Provider
from tests.server.test_fates import queued
from tests.world import World
from tools.channels.base import Rejected, everywhere


async def test_a_dead_letter_is_listed_with_its_reason_and_sent_again_by_a_collector(
    api: Api, world: World
) -> None:
    engine = await queued(world)
    await dispatch_due(
        engine, everywhere(Provider(loses=lambda _: True, fails=lambda _: Rejected("30006", "a landline")))
    )
    (dead,) = (await api.get("/v1/outbox", state="failed")).json()["outbox"]
    assert dead["reason"] == "30006: a landline"
    path = f"/v1/outbox/{dead['id']}"

    problem(await api.post(f"{path}/retry", {}, role="viewer"), 403)
    problem(await api.post(f"{path}/confirm", role="collector"), 409)
    problem(await api.post("/v1/outbox/99/retry", {}, role="collector"), 404)
    problem(await api.post(f"{path}/retry", {"force": True}, role="collector"), 422)
    again = await api.post(f"{path}/retry", {}, role="collector")

    assert (again.status_code, again.json()["state"]) == (200, "queued")
    problem(await api.post(f"{path}/retry", {}, role="collector"), 409)
    assert world.sql("SELECT actor, action FROM activity_log ORDER BY seq")[-1] == (
        "a collector",
        "message.retried",
    )
    assert (await dispatch_due(engine, everywhere(Provider()))).sent == 1
    assert await world.chain_holds()
