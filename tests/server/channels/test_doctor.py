"""The doctor finds what is set up wrongly, also at the providers, and says what to do."""

import re
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from server import doctor
from server.doctor import Finding, examine
from server.settings import Settings
from tests.server.channels.conftest import Line
from tests.world import NOW, policy

AWAY = "http://127.0.0.1:9"  # the discard port: nobody answers


async def found(line: Line, **changed: Any) -> dict[str, Finding]:
    """What the doctor says of the running installation with other settings, by check."""
    return {each.name: each for each in await examine(line.running.settings.model_copy(update=changed))}


def states(findings: dict[str, Finding]) -> set[str]:
    return {each.state for each in findings.values()}


@pytest.fixture
def line_that_shows(line: Line) -> Line:
    """Both providers show where their webhooks go."""
    line.sendgrid.parse_host = line.running.settings.sendgrid_parse_host
    line.twilio.inbound = f"{line.twilio.inbound}#rc=3&rp=ct,rt,5xx"
    return line


async def test_a_sound_installation_fails_nothing_and_nobody_is_written_to(line_that_shows: Line) -> None:
    findings = await found(line_that_shows)

    assert {name for name, each in findings.items() if each.state == "ok"} >= {
        "settings", "database", "policy", "model", "text messages", "Twilio's account", "Twilio's webhook",
        "SendGrid's account", "Inbound Parse", "Event Webhook",
    }  # fmt: skip
    assert "fail" not in states(findings)
    assert findings["public address"].state == "warn"  # loopback: good for stand-ins only
    assert (line_that_shows.texts, line_that_shows.mails) == ([], [])


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"twilio_auth_token": SecretStr("another-token")}, "Twilio's account", "refused account SID, key or sender: the key is wrong"),
    ({"twilio_sender": "+13125550188"}, "Twilio's account", "sender is no number of this account"),
    ({"twilio_sender": "MG" + "9" * 32}, "Twilio's account", "refused account SID, key or sender"),
    ({"twilio_base_url": AWAY}, "Twilio's account", "cannot be asked"),
    ({"sendgrid_api_key": SecretStr("SG.other")}, "SendGrid's account", "the key is wrong"),
    ({"sendgrid_sender": "boss@elsewhere.example"}, "SendGrid's account", "sender is not verified"),
    ({"sendgrid_base_url": AWAY}, "SendGrid's account", "cannot be reached|did not answer"),
    ({"sendgrid_parse_host": "other.example.com"}, "Inbound Parse", "Nothing takes mail to other.example.com"),
    ({"public_origin": AWAY}, "public address", "does not answer"),
    ({"public_origin": "http://desk.example.com"}, "public address", "begin with https"),
    ({"link_key": SecretStr("x" * 32)}, "public address", "another installation"),
    ({"twilio_sender": "billing"}, "channels", "sender is a number"),
]  # fmt: skip


async def test_what_is_wrong_fails_in_one_sentence(line_that_shows: Line) -> None:
    for changed, check, says in WRONG:
        finding = (await found(line_that_shows, **changed))[check]
        assert finding.state == "fail", (changed, finding)
        assert re.search(says, finding.says), (changed, finding)
        assert "\n" not in finding.says
        assert not any(secret in finding.says for secret in ("another-token", "SG.other", "x" * 32))


async def test_webhooks_that_go_elsewhere_are_found_at_the_provider(line_that_shows: Line) -> None:
    line = line_that_shows
    line.twilio.inbound = "https://old.example.com/sms"
    line.sendgrid.inbound, line.sendgrid.events = "https://old.example.com/mail", None
    findings = await found(line)
    for check in ("Twilio's webhook", "Inbound Parse", "Event Webhook"):
        assert findings[check].state == "fail"
        assert f"{line.running.settings.public_origin}/webhooks/" in findings[check].says


async def test_mail_in_parsed_mode_and_texts_without_retries_are_found(line: Line) -> None:
    line.sendgrid.parse_host, line.sendgrid.raw = line.running.settings.sendgrid_parse_host, False
    findings = await found(line)
    assert (findings["Inbound Parse"].state, findings["Twilio's webhook"].state) == ("fail", "warn")
    assert "raw, full MIME" in findings["Inbound Parse"].says
    assert "#rc=3&rp=ct,rt,5xx" in findings["Twilio's webhook"].says


async def test_a_key_that_may_not_look_leaves_it_to_a_person(line: Line) -> None:
    line.sendgrid.shows_senders = False
    findings = await found(line)
    assert findings["SendGrid's account"].state == "ok"
    assert {findings[name].state for name in ("Inbound Parse", "Event Webhook")} == {"warn"}


async def test_third_party_collectors_do_not_text_the_united_states(line: Line, tmp_path: Any) -> None:
    file = tmp_path / "third.toml"
    file.write_text(policy().text.replace('profile = "first_party"', 'profile = "third_party"', 1), "utf-8")
    assert (await found(line, policy=file))["text messages"].state == "fail"


async def test_a_broken_policy_and_a_database_that_is_away_do_not_end_the_examination(
    line: Line, tmp_path: Any
) -> None:
    file = tmp_path / "broken.toml"
    file.write_text("version = ", "utf-8")
    away = SecretStr("postgresql://dunwell@127.0.0.1:9/dunwell")
    findings = await found(line, policy=file, database_url=away)
    assert (findings["policy"].state, findings["database"].state) == ("fail", "fail")
    assert findings["SendGrid's account"].state == "ok"


async def test_a_clock_that_is_off_and_a_redirect_are_found(line: Line) -> None:
    for off, state in ((0, "ok"), (60, "warn"), (600, "fail")):
        headers = {"Date": format_datetime(NOW + timedelta(seconds=off), usegmt=True)}
        async with answering(404, headers) as client:
            assert (await doctor._clock(line.running.settings, client)).state == state
    async with answering(301, {"Location": "https://www.example.com"}) as client:
        finding = await doctor._public(line.running.settings, client)
    assert (finding.state, "redirects" in finding.says) == ("fail", True)


def answering(status: int, headers: dict[str, str]) -> httpx.AsyncClient:
    """A client to whom everybody answers this."""
    return httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(status, headers=headers)))


async def test_a_local_installation_needs_no_provider(line: Line) -> None:
    local = Settings(database_url=line.running.settings.database_url)
    assert states({each.name: each for each in await examine(local)}) == {"ok"}
