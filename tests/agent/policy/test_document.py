"""The policy file: what is wrong with it is said in one sentence, and its version names its content."""

from pathlib import Path

import pytest

from agent.policy.document import load_policy, parse_policy
from tools.errors import Misconfigured

TEXT = load_policy().text


def test_a_fresh_installation_starts_in_draft_everywhere() -> None:
    policy = load_policy()
    assert {segment.mode for segment in policy.document.segments.values()} == {"draft"}
    assert policy.mode("a segment that is not listed", "reminder") == "draft"


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('mode = "draft"', 'mode = "yolo"', "segments.default.mode"),
        ('balance = "2500.00"', 'balance = "a lot"', "limits.assisted.balance"),
        ('balance = "2500.00"', "balance = 2500.0", "limits.assisted.balance"),
        ('balance = "2500.00"', 'balance = "-1"', "limits.assisted.balance"),
        ("per_day = 1", "per_day = 1\nper_hour = 9", "budget.per_hour"),
        ("per_day = 1", "per_day = 0", "budget.per_day"),
        ('start = "08:00"', 'start = "8 o clock"', "window.start"),
        ('end = "21:00"', 'end = "07:00"', "before it ends"),
        ('safe_zone = "America/New_York"', 'safe_zone = "Mars"', "no time zone"),
        ('ladder = "default"', 'ladder = "steep"', "unknown ladder"),
        ("\ndays = 14", "\ndays = 4", "rising days"),
        ('step = "reminder_2"', 'step = "reminder_1"', "twice"),
        ("[segments.default]", "[segments.other]", "segments needs an entry named default"),
        ("version =", "revision =", "version"),
        ("[budget]", "[budget", "not valid TOML"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_one_sentence(old: str, new: str, place: str) -> None:
    assert old in TEXT
    with pytest.raises(Misconfigured, match=r"^The policy file mine\.toml .*\.$") as wrong:
        parse_policy(TEXT.replace(old, new, 1), "mine.toml")
    assert place in str(wrong.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"nowhere\.toml cannot be read"):
        load_policy(tmp_path / "nowhere.toml")


def test_the_version_is_the_declared_one_and_changes_with_the_content() -> None:
    policy = load_policy()
    other = parse_policy(TEXT.replace("2500.00", "2500.01", 1))
    assert policy.version.startswith(f"{policy.document.version}+")
    assert other.version != policy.version


def test_a_segment_may_treat_one_action_otherwise() -> None:
    text = TEXT.replace('ladder = "default"', 'ladder = "default"\nactions = { reply = "assisted" }', 1)
    policy = parse_policy(text)
    assert (policy.mode("default", "reply"), policy.mode("default", "reminder")) == ("assisted", "draft")
