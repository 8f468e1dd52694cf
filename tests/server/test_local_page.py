"""The local page: what is typed there takes a provider's way in, only from this machine, and never in production."""

import re
from pathlib import Path
from typing import Any

import httpx
from httpx import ASGITransport

import server.local
from agent.models.offline import OfflineCollector
from server.app import create_app
from server.cycle import handle_waiting
from server.local.page import local_address, local_channels
from server.sender import dispatch_due
from server.settings import Settings
from tests.server.conftest import Api, problem
from tests.world import World, proposing, reminder
from tools.channels.base import everywhere
from tools.channels.local import LocalChannel

HERE = "http://127.0.0.1"
STATIC = Path(server.local.__file__).with_name("static")
SMS = {"channel": "sms", "contact_id": "cust-1-sms", "body": "I can pay the full amount on Friday."}
TWILIO = {
    "sms": "twilio", "public_origin": "https://desk.example.com", "twilio_account_sid": "AC" + "1" * 32,
    "twilio_auth_token": "t", "twilio_sender": "+13125550199",
}  # fmt: skip


async def say(api: Api, said: dict[str, Any], customer: str = "cust-1", **headers: str) -> httpx.Response:
    """What the page posts."""
    named = {"Origin": HERE, **headers}
    return await api.client.post(f"{HERE}/local/customers/{customer}/messages", json=said, headers=named)


async def shown(api: Api, customer: str = "cust-1") -> Any:
    """What the page shows of a customer."""
    return (await api.client.get(f"{HERE}/local/customers/{customer}")).raise_for_status().json()


async def sent_mail(world: World) -> None:
    """A reminder that left by e-mail."""
    world.customer(segment="automatic")
    engine = world.engine(proposing(reminder()))
    await engine.run(world.step())
    await dispatch_due(engine, everywhere(LocalChannel()))


async def test_a_text_takes_twilios_way_in_and_its_answer_is_shown(api: Api, world: World) -> None:
    world.customer(segment="automatic")
    assert (await say(api, SMS)).status_code == 202
    assert re.fullmatch("SM[0-9a-f]{32}", world.sql("SELECT provider_id FROM message")[0])
    waiting = await shown(api)
    assert waiting["thinking"]
    assert "No worker is running" in waiting["notice"]

    engine = world.engine(OfflineCollector())
    await handle_waiting(engine)
    await dispatch_due(engine, everywhere(LocalChannel()))

    now = await shown(api)
    assert [(m["direction"], m["channel"]) for m in now["messages"]] == [("in", "sms"), ("out", "sms")]
    assert not now["thinking"]
    assert now["notice"] is None
    assert {"promise"} <= {fact["kind"] for fact in now["facts"]}
    assert any(d["what"] == "promise" and d["verdict"] == "allow" and d["why"] for d in now["decisions"])


async def test_a_mail_answers_in_its_thread_by_the_signed_address(api: Api, world: World) -> None:
    await sent_mail(world)
    [ours] = (await shown(api))["messages"]
    said = {
        "channel": "email", "contact_id": "cust-1-email", "body": "Paid it — yesterday.", "answers": ours["outbox_id"]
    }  # fmt: skip
    assert (await say(api, said)).status_code == 202

    [(body, original, subject, contact)] = world.sql(
        "SELECT body, original, subject, contact_id FROM message WHERE direction = 'in'"
    )
    assert body == "Paid it — yesterday."
    assert "> " in original  # what it quoted is kept, and not taken for the customer's words
    assert (subject, contact) == (f"Re: {ours['subject']}", "cust-1-email")


async def test_the_way_out_of_a_mail_works_by_post_only(api: Api, world: World) -> None:
    await sent_mail(world)
    [ours] = (await shown(api))["messages"]
    looked = await api.client.get(f"{HERE}{ours['unsubscribe']}")
    assert looked.status_code == 200
    assert "form-action 'self'" in looked.headers["content-security-policy"]
    assert world.count("suppression") == 0
    assert (await api.client.post(f"{HERE}{ours['unsubscribe']}")).status_code == 200
    assert world.sql("SELECT channel, reason FROM suppression") == [("email", "opt_out")]
    assert [fact["kind"] for fact in (await shown(api))["facts"]] == ["stop"]


async def test_a_number_of_two_customers_is_left_to_a_person_and_the_page_says_so(
    api: Api, world: World
) -> None:
    world.customer()
    world.customer("cust-2")
    world.sql("UPDATE contact SET address = '+13125551001' WHERE channel = 'sms'")
    assert (await say(api, SMS)).status_code == 202
    assert world.count("message") == 0
    assert [each["why"] for each in (await shown(api))["unmatched"]] == ["shared_address"]


async def test_what_waits_for_a_person_is_shown_with_the_command(api: Api, world: World) -> None:
    world.customer(segment="draft")
    await world.engine(proposing(reminder())).run(world.step())
    now = await shown(api)
    assert now["messages"] == []  # the customer has not seen it
    [approval] = now["approvals"]
    assert approval["command"] == f"dunwell approvals decide {approval['id']} approve --as NAME"
    assert approval["why"]
    assert approval["body"]


async def test_only_this_machine_under_its_own_name_sees_it(api: Api) -> None:
    """A site whose name leads to this machine (DNS rebinding) sees nothing, nor does a neighbour."""
    for host, client in (
        ("evil.example", "127.0.0.1"), ("127.0.0.1.evil.example", "127.0.0.1"), ("test", "127.0.0.1"),
        ("127.0.0.1", "192.0.2.9"),
    ):  # fmt: skip
        transport = ASGITransport(api.app, client=(client, 5000))
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as stranger:
            for path in ("", "/page.js", "/customers", "/customers/cust-1"):
                problem(await stranger.get(f"/local{path}"), 404)
            headers = {"Origin": f"http://{host}"}
            posted = await stranger.post("/local/customers/cust-1/messages", json=SMS, headers=headers)
            problem(posted, 404)


async def test_another_sites_page_posts_nothing(api: Api, world: World) -> None:
    world.customer()
    origins = ("https://evil.example", "null", "http://127.0.0.1:9999", "https://127.0.0.1", "")
    kinds = ("text/plain", "application/x-www-form-urlencoded", "")
    for headers in ({"Origin": one} for one in origins):
        problem(await say(api, SMS, **headers), 403)
    for headers in ({"Content-Type": one} for one in kinds):
        problem(await say(api, SMS, **headers), 403)
    assert world.count("message") + world.count("unmatched_message") == 0


WRONG: list[tuple[dict[str, Any], int]] = [
    ({"contact_id": "cust-2-sms"}, 404),  # another customer's
    ({"channel": "email"}, 404),  # a number is no mailbox
    ({"body": ""}, 422),
    ({"body": "x" * 1601}, 422),
    ({"more": 1}, 422),
    ({"channel": "email", "contact_id": "cust-1-email", "subject": "a\nBcc: x@y.example"}, 422),
    ({"channel": "email", "contact_id": "cust-1-email", "answers": 99}, 404),
]


async def test_what_makes_no_sense_is_refused(api: Api, world: World) -> None:
    world.customer()
    world.customer("cust-2")
    for changed, status in WRONG:
        problem(await say(api, {**SMS, **changed}), status)
    assert world.count("message") == 0


async def test_production_has_no_such_page() -> None:
    app = create_app(Settings(env="production"))
    async with httpx.AsyncClient(transport=ASGITransport(app), base_url=HERE) as client:
        for path in ("/local", "/local/page.js", "/local/customers"):
            problem(await client.get(path), 404)
        problem(
            await client.post("/local/customers/cust-1/messages", json=SMS, headers={"Origin": HERE}), 404
        )


def test_a_real_channel_is_not_on_the_page() -> None:
    assert local_channels(Settings()) == ["sms", "email"]
    mixed = Settings.model_validate(TWILIO)
    assert local_channels(mixed) == []  # it has a public address: others may reach it
    assert local_address(mixed) is None
    assert local_address(Settings()) == "http://127.0.0.1:8321/local"
    assert local_address(Settings(env="production")) is None


async def test_the_page_loads_nothing_from_elsewhere_and_runs_no_words(api: Api) -> None:
    page = await api.client.get(f"{HERE}/local")
    assert page.status_code == 200
    rules = page.headers["content-security-policy"]
    assert "default-src 'none'" in rules
    assert "unsafe" not in rules
    for name in re.findall(r'(?:src|href)="([^"#]+)"', page.text):
        assert (await api.client.get(f"{HERE}{name}")).status_code == 200
    text = "".join(file.read_text("utf-8") for file in STATIC.iterdir() if file.suffix != ".svg")
    assert not re.search(r"https?://", text)
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|style=|onclick=", text
    )


async def test_every_field_of_the_page_has_a_name_that_a_screen_reader_says() -> None:
    page = (STATIC / "index.html").read_text("utf-8")
    for found in re.finditer(r"<(?:input|textarea|select)\b[^>]*>", page):
        name = re.search(r'id="([^"]+)"', found[0])
        assert name
        assert "aria-label=" in found[0] or f'for="{name[1]}"' in page, found[0]
