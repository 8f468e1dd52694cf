"""Settings: what is refused, what is shown, what is hidden."""

from datetime import UTC, datetime
from typing import Any

import pytest

from server import settings
from server.runtime import fallback_of
from tools.clock import FrozenClock, SystemClock
from tools.errors import Misconfigured


def test_without_any_variable_everything_has_a_default() -> None:
    loaded = settings.load()

    assert (loaded.env, loaded.model, loaded.host, loaded.port) == (
        "development",
        "offline",
        "127.0.0.1",
        8321,
    )
    assert loaded.database_url is None
    assert isinstance(loaded.make_clock(), SystemClock)


def test_a_frozen_clock_is_refused_in_production_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUNWELL_CLOCK", "2026-03-10T11:00:00-05:00")
    assert settings.load().make_clock().now() == datetime(2026, 3, 10, 16, tzinfo=UTC)
    assert isinstance(settings.load().make_clock(), FrozenClock)

    monkeypatch.setenv("DUNWELL_ENV", "production")
    with pytest.raises(
        Misconfigured, match=r"^DUNWELL_CLOCK freezes time and is refused when DUNWELL_ENV=production; .*\.$"
    ):
        settings.load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CLOCK", "2026-03-10T11:00:00"),  # no offset: whose eleven?
        ("CLOCK", "soon"),
        ("PORT", "0"),
        ("COMPANY_TIME_ZONE", "America/Nowhere"),
        ("CURRENCY", "dollars"),
        ("ENV", "prod"),
        ("MODEL", "openai"),  # without saying which model, and where
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"DUNWELL_{name}", value)
    with pytest.raises(Misconfigured, match=f"DUNWELL_{name}") as refused:
        settings.load()
    assert "\n" not in str(refused.value)


def test_secrets_are_masked_wherever_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUNWELL_DATABASE_URL", "postgresql://dunwell:hush-hush@db/dunwell")
    monkeypatch.setenv("DUNWELL_OPENAI_API_KEY", "hush-hush")
    loaded = settings.load()

    shown = settings.masked(loaded)

    assert shown["DUNWELL_DATABASE_URL"] == shown["DUNWELL_OPENAI_API_KEY"] == "**********"
    assert shown["DUNWELL_COMPANY_TIME_ZONE"] == "America/Chicago"
    assert len(shown) == len(type(loaded).model_fields)
    assert "hush-hush" not in f"{shown} {loaded} {loaded!r} {loaded.model_dump_json()}"


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUNWELL_DATABASE_URL", "")
    monkeypatch.setenv("DUNWELL_CLOCK", "")
    assert settings.load().database_url is None
    assert settings.load().clock is None


@pytest.mark.parametrize(
    ("given", "takes_over"),
    [
        ({}, None),  # the offline model has nobody to fall back to
        ({"model": "openai"}, "offline"),
        ({"model": "openai", "model_fallback": "offline"}, "offline"),
        ({"model": "openai", "model_fallback": "person"}, None),
    ],
)
def test_who_takes_over_from_a_model_in_trouble_is_a_setting(
    given: dict[str, Any], takes_over: str | None
) -> None:
    chosen = settings.Settings(openai_model="m", openai_base_url="http://127.0.0.1:1/v1", **given)
    mind = fallback_of(chosen)
    assert (mind.model_id if mind else None) == takes_over


CHANNELS = {
    "SMS": "twilio", "PUBLIC_ORIGIN": "https://desk.example.com", "TWILIO_ACCOUNT_SID": "AC" + "1" * 32,
    "TWILIO_AUTH_TOKEN": "hush", "TWILIO_SENDER": "+13125550199", "EMAIL": "sendgrid", "LINK_KEY": "k" * 32,
    "SENDGRID_API_KEY": "SG.hush", "SENDGRID_SENDER": "billing@seller.example",
    "SENDGRID_PARSE_HOST": "parse.seller.example", "SENDGRID_EVENTS_KEY": "a key", "SENDGRID_PARSE_SECRET": "s" * 16,
}  # fmt: skip


@pytest.mark.parametrize("missing", sorted(set(CHANNELS) - {"SMS", "EMAIL"}))
def test_each_setting_that_a_channel_needs_is_asked_for_by_name(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for name, value in CHANNELS.items():
        monkeypatch.setenv(f"DUNWELL_{name}", value)
    assert settings.load().carriers == ["twilio", "sendgrid"]

    monkeypatch.delenv(f"DUNWELL_{missing}")
    with pytest.raises(Misconfigured) as refused:
        settings.load()
    assert f"DUNWELL_{missing}" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TWILIO_BASE_URL", "http://stand-in.example.com"),
        ("SENDGRID_BASE_URL", "ftp://127.0.0.1"),
        ("TWILIO_ACCOUNT_SID", "SK" + "1" * 32),
        ("TWILIO_API_KEY", "SK" + "1" * 32),  # without its secret
        ("LINK_KEY", "short"),
        ("SENDGRID_PARSE_SECRET", "short"),
    ],
)
def test_a_channel_setting_that_cannot_be_right_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    for known, good in CHANNELS.items():
        monkeypatch.setenv(f"DUNWELL_{known}", good)
    monkeypatch.setenv(f"DUNWELL_{name}", value)
    with pytest.raises(Misconfigured, match=f"DUNWELL_{name}"):
        settings.load()
