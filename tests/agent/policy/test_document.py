"""The policy file: what is wrong with it is said in one sentence, and its version names its content."""

from datetime import date
from pathlib import Path

import pytest

from agent.policy.compare import changes
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
        ('balance = "2500.00"', 'balance = "٢٥٠٠"', "limits.assisted.balance"),
        ('template = "reminder_1"', 'template = "nonsense"', "no template 'nonsense'"),
        ('template = "reminder_1"', 'template = "receipt"', "is for receipt, not for reminder"),
        ('template = "reminder_1"', 'template = ""', "no template ''"),
        ('channel = "none"', 'channel = "email"', "is a person's"),
        ('channel = "preferred"', 'channel = "none"', "needs a channel"),
        (
            'purpose = "call_task"\ntemplate = ""',
            'purpose = "call_task"\ntemplate = "reminder_2"',
            "is a person's",
        ),
        (
            'channel = "email"\npurpose = "formal_notice"',
            'channel = "other"\npurpose = "formal_notice"',
            "email only",
        ),
        ('templates = ["condolence", ', 'templates = ["nonsense", ', "no template 'nonsense'"),
        ('templates = ["condolence", ', 'templates = ["reminder_1", ', "answers nothing"),
        ("deceased       =", "volcano =", "stops names 'volcano'"),
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


def test_the_text_that_a_decision_cites_is_the_whole_policy_and_can_be_read_again() -> None:
    """A replay reads it, whatever the packaged policy says by then."""
    policy = parse_policy('extends = "default"\nversion = "mine"\n[budget]\nper_week = 2\n', "mine.toml")
    again = parse_policy(policy.text.replace("per_day = 1", "per_day = 2", 1), "the record")
    assert parse_policy(policy.text, "the record") == policy
    assert (again.document.budget.per_day, again.document.budget.per_week) == (2, 2)


@pytest.mark.parametrize(
    ("text", "key", "way"),
    [
        ("[window]\nstart = 07:00:00", "window.start", "looser"),
        ("[window]\nend = 20:00:00", "window.end", "stricter"),
        ('[limits.assisted]\nbalance = "10000"', "limits.assisted.balance", "looser"),
        ('[limits.assisted]\nbalance = "900"', "limits.assisted.balance", "stricter"),
        ("[promise]\nfloat_days = 0", "promise.float_days", "looser"),
        ("[freshness]\ndefault = 60", "freshness.default", "looser"),
        ("[jurisdictions.florida]\non = false", "jurisdictions.florida.on", "looser"),
        ("[jurisdictions.massachusetts]\nper_week = 1", "jurisdictions.massachusetts.per_week", "stricter"),
        ('[jurisdictions.florida]\nregions = ["FL", "GA"]', "jurisdictions.florida.regions", "stricter"),
        ('[window.days_off]\nweekdays = ["sunday"]', "window.days_off.weekdays", "stricter"),
        ('[window.days_off]\ncountry = "US"', "window.days_off.country", "stricter"),
        (
            '[stops]\ndeceased = { grave = false, templates = ["condolence"] }',
            "stops.deceased.grave",
            "looser",
        ),
        ('profile = "third_party"', "profile", "stricter"),
        ('[segments.default]\nmode = "observe"', "segments.default.mode", "stricter"),
        # A key that was not there is compared with what applied without it.
        ('[segments.default.actions]\nreminder = "automatic"', "segments.default.actions.reminder", "looser"),
        ('[segments.default.actions]\nreminder = "observe"', "segments.default.actions.reminder", "stricter"),
        ('[segments.default.actions]\nreminder = "draft"', "segments.default.actions.reminder", "other"),
        ('[segments.vip]\nmode = "automatic"', "segments.vip.mode", "looser"),
        ('[segments.vip]\nmode = "observe"', "segments.vip.mode", "stricter"),
        ("[freshness]\nquickbooks = 525600", "freshness.quickbooks", "looser"),
        ("[freshness]\nquickbooks = 5", "freshness.quickbooks", "stricter"),
        # What nobody has shown to be harmless is looser.
        ('[window]\nsafe_zone = "Pacific/Auckland"', "window.safe_zone", "looser"),
        (
            '[jurisdictions.massachusetts]\nzone = "America/Los_Angeles"',
            "jurisdictions.massachusetts.zone",
            "looser",
        ),
        ('[jurisdictions.florida]\nzone = "America/New_York"', "jurisdictions.florida.zone", "looser"),
        ("[jurisdictions.florida]\nuntil = 2026-12-01", "jurisdictions.florida.until", "looser"),
        ("[jurisdictions.florida]\nper_week = 1", "jurisdictions.florida.per_week", "stricter"),
        ("[autonomy]\nwindow_days = 300", "autonomy.window_days", "looser"),
        (
            '[jurisdictions.new]\non = true\nsince = 2026-01-01\nsource = "x"\nregions = ["TX"]\nuntil = 2027-01-01',
            "jurisdictions.new.until",
            "stricter",
        ),
        ('[jurisdictions.florida]\nsource = "read again"', "jurisdictions.florida.source", "other"),
    ],
)
def test_a_change_is_named_with_the_way_it_goes(text: str, key: str, way: str) -> None:
    other = parse_policy(f'extends = "default"\n{text}\n')
    assert {c.key: c.way for c in changes(load_policy().document, other.document)}[key] == way


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('template = "reminder_2"', 'template = "reminder_1"', "template"),
        ('channel = "other"', 'channel = "preferred"', "channel"),
        ("\ndays = 14", "\ndays = 13", "days"),
        ('tone = "direct"', 'tone = "friendly"', "tone"),
    ],
)
def test_what_a_step_sends_is_looser_until_shown_otherwise(old: str, new: str, key: str) -> None:
    found = changes(load_policy().document, parse_policy(TEXT.replace(old, new, 1)).document)
    way = "other" if key == "tone" else "looser"
    assert [(c.key, c.way) for c in found] == [(f"ladders.default.reminder_2.{key}", way)]


def test_a_later_call_is_looser_as_the_reminders_before_it_go_on() -> None:
    found = changes(
        load_policy().document, parse_policy(TEXT.replace("\ndays = 30", "\ndays = 40", 1)).document
    )
    assert [(c.key, c.way) for c in found] == [("ladders.default.call_task.days", "looser")]


def test_a_new_segment_without_what_default_holds_back_is_looser_there() -> None:
    base = parse_policy(
        'extends = "default"\n[segments.default]\nmode = "automatic"\nstart = "draft"\nactions = { reply = "observe" }\n'
    )
    text = base.text.replace("[segments.default]", '[segments.vip]\nmode = "automatic"\n[segments.default]')
    ways = {c.key: c.way for c in changes(base.document, parse_policy(text).document)}
    assert ways.pop("segments.vip.mode") == "other"
    assert (ways["segments.vip.start"], ways["segments.vip.actions.reply"]) == ("looser", "looser")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ('regions = ["ZZ"]', "no state or province"),
        ("start = 08:00:00\nend = 07:00:00", "a start before their end"),
        ('zone = "Mars"', "no time zone"),
        ("per_week = 0", "per_week"),
        ('source = ""', "source"),
        ("consents = true", "consents"),
        ('unverified = ["until when"]', "no key of such a row"),
    ],
)
def test_a_place_whose_row_cannot_be_followed_is_refused(change: str, says: str) -> None:
    with pytest.raises(Misconfigured, match=says):
        parse_policy(f'extends = "default"\n[jurisdictions.florida]\n{change}\n')


def test_a_day_that_the_sheet_of_sources_does_not_know_is_marked_in_its_row() -> None:
    """Those that it knows: SB 232 of Florida, and New York City's amended rules (compliance.md 0.2 and 2)."""
    rows = load_policy().document.jurisdictions
    known = {name: row.since for name, row in rows.items() if "since" not in row.unverified}
    assert known == {"florida": date(2025, 5, 16), "new_york_city": date(2026, 9, 1)}
    assert {row.since for name, row in rows.items() if name not in known} == {date(2026, 1, 1)}
    assert not any(row.on and row.unverified - {"since"} for row in rows.values())
