"""Notices: signed, without a word of anybody, none lost and none doubled without need."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from agent.approvals import decide
from agent.cycle.sweep import remind_approvers
from server.jobs.schedule import Hands, Terms, tell_approvers
from server.notify.notices import tell
from server.notify.notifier import Notice, WebhookNotifier
from server.runtime import notifier_of
from server.settings import Settings
from tests.world import COLLECTOR, MANAGER, World, message
from tools.errors import Unavailable

SECRET = SecretStr("a-secret-of-sixteen-letters")
MAY_SAY = {"id", "type", "approval", "kind", "role", "age_seconds", "expires_at", "link"}


class Desk:
    """Somebody's endpoint: what it was sent, and what it answers."""

    def __init__(self) -> None:
        self.heard: list[httpx.Request] = []
        self.answer: Callable[[httpx.Request], httpx.Response] = lambda _: httpx.Response(204)

    def notifier(self) -> WebhookNotifier:
        """A webhook notifier that reaches this endpoint."""

        def handle(request: httpx.Request) -> httpx.Response:
            self.heard.append(request)
            return self.answer(request)

        return WebhookNotifier(
            "https://desk.example/hook", SECRET, "https://dunwell.example/", httpx.MockTransport(handle)
        )

    @property
    def ids(self) -> list[str]:
        return [request.headers["webhook-id"] for request in self.heard]


async def _waiting(world: World) -> tuple[Hands, Desk, str]:
    world.customer(segment="draft")
    engine, (waiting,) = await world.asked(message())
    desk = Desk()
    return Hands(engine, Terms(), desk.notifier()), desk, waiting


async def test_a_notice_is_signed_and_says_ids_kind_role_age_and_link_and_nothing_else(world: World) -> None:
    hands, desk, waiting = await _waiting(world)
    world.clock.advance(timedelta(minutes=3))
    await tell_approvers(hands)

    (request,) = desk.heard
    said, headers = json.loads(request.content), request.headers
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + request.content
    mac = hmac.new(SECRET.get_secret_value().encode(), signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(mac).decode()
    assert headers["webhook-timestamp"] == str(int(world.clock.now().timestamp()))
    assert set(said) == MAY_SAY
    assert (said["type"], said["approval"], said["kind"], said["role"]) == (
        "approval.asked", waiting, "send", "collector"
    )  # fmt: skip
    assert (said["age_seconds"], said["link"]) == (180, f"https://dunwell.example/v1/approvals/{waiting}")
    for secret in ("Quillfeather", "Brambleworth", "1,000", "100000", "cust-1", "+1312"):
        assert secret not in request.content.decode()


async def test_each_is_told_once_however_often_and_at_once_one_looks(world: World) -> None:
    import asyncio

    hands, desk, _ = await _waiting(world)
    await asyncio.gather(*(tell_approvers(hands) for _ in range(4)))
    await tell_approvers(hands)
    assert len(desk.heard) == 1

    world.clock.advance(timedelta(hours=24))
    await remind_approvers(hands.engine)
    for _ in range(2):
        await tell_approvers(hands)
    said = [json.loads(request.content) for request in desk.heard]
    assert [(each["type"], each["role"]) for each in said] == [
        ("approval.asked", "collector"), ("approval.reminded", "manager"),
    ]  # fmt: skip
    assert len(set(desk.ids)) == 2


async def test_what_is_handed_up_is_told_to_the_next_role_and_what_is_decided_to_nobody(world: World) -> None:
    hands, desk, waiting = await _waiting(world)
    await decide.decide(hands.engine, waiting, await world.decision(waiting, "hand_up"), COLLECTOR)
    await tell_approvers(hands)
    assert [json.loads(request.content)["role"] for request in desk.heard] == ["manager"]

    desk.answer = lambda _: httpx.Response(503)
    world.customer("cust-2", segment="draft")
    _, (other,) = await world.asked(message(), customer="cust-2")
    await tell_approvers(hands)
    await decide.decide(hands.engine, other, await world.decision(other), MANAGER)
    desk.answer = lambda _: httpx.Response(200)
    world.clock.advance(timedelta(hours=1))
    await tell_approvers(hands)
    assert len(desk.heard) == 2
    assert sorted(world.sql("SELECT outcome FROM notification")) == ["delivered", "moot"]


@pytest.mark.parametrize("fails", ["refuses", "redirects", "is away", "takes too long"])
async def test_what_is_not_taken_is_tried_again_later_with_the_same_id(world: World, fails: str) -> None:
    hands, desk, _ = await _waiting(world)
    error: dict[str, Exception] = {"is away": httpx.ConnectError("no"), "takes too long": TimeoutError()}

    def failing(_: httpx.Request) -> httpx.Response:
        if fails in error:
            raise error[fails]
        return httpx.Response(
            302 if fails == "redirects" else 500, headers={"location": "https://else.example"}
        )

    desk.answer = failing
    for seconds in (0, 29, 1, 59):  # it rests half a minute, then a minute
        world.clock.advance(timedelta(seconds=seconds))
        await tell_approvers(hands)
    assert len(desk.heard) == 2
    desk.answer = lambda _: httpx.Response(200)
    world.clock.advance(timedelta(seconds=1))
    await tell_approvers(hands)
    await tell_approvers(hands)
    assert len(desk.heard) == 3
    assert len(set(desk.ids)) == 1
    assert world.sql("SELECT outcome, tries FROM notification") == [("delivered", 3)]


async def test_a_notice_that_nobody_ever_takes_is_given_up_in_the_end(world: World) -> None:
    hands, desk, _ = await _waiting(world)
    world.sql("UPDATE approval SET expires_at = expires_at + interval '30 days'")
    desk.answer = lambda _: httpx.Response(500)
    for _ in range(12):
        await tell_approvers(hands)
        world.clock.advance(timedelta(hours=12))
    assert len(desk.heard) == 8
    assert world.sql("SELECT outcome FROM notification") == ["given_up"]


async def test_a_process_that_dies_after_it_told_leaves_nothing_untold_and_the_id_says_it_is_the_same(
    world: World,
) -> None:
    hands, desk, _ = await _waiting(world)

    class Died(BaseException):
        pass

    def die(_: httpx.Request) -> httpx.Response:
        raise Died

    desk.answer = die
    with pytest.raises(Died):
        await tell_approvers(hands)
    desk.answer = lambda _: httpx.Response(200)
    world.clock.advance(timedelta(seconds=30))
    await tell_approvers(hands)
    assert len(desk.heard) == 2
    assert len(set(desk.ids)) == 1


async def test_any_notifier_will_do_and_without_one_nothing_is_kept(world: World) -> None:
    hands, _, waiting = await _waiting(world)
    await tell_approvers(replace(hands, notifier=None))
    assert world.count("notification") == 0
    told: list[str] = []

    class Mail:
        async def notify(self, notice: Notice, *, now: datetime) -> None:
            if told or now < notice.asked_at:
                raise Unavailable("no more today")
            told.append(notice.approval_id)

    assert await tell(hands.engine.deps, Mail()) == 1
    assert told == [waiting]


def test_address_and_secret_go_together_and_make_the_notifier() -> None:
    assert notifier_of(Settings()) is None
    both = {"notify_webhook_url": "https://desk.example/hook", "notify_webhook_secret": "x" * 16}
    made = notifier_of(Settings(**both))  # type: ignore[arg-type]  # pydantic makes it secret
    assert isinstance(made, WebhookNotifier)
    assert made.public_url == "http://127.0.0.1:8321"
    for wrong in ({"notify_webhook_url": "https://x.example"}, {"notify_webhook_secret": "x" * 16},
                  {**both, "notify_webhook_url": "ftp://x.example"}, {**both, "notify_webhook_secret": "short"}):  # fmt: skip
        with pytest.raises(ValidationError):
            Settings(**wrong)  # type: ignore[arg-type]  # as above
