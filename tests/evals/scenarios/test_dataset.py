"""The scenarios of this repository: how many, how diverse, and that anybody's are read the same way."""

import json
import re
from collections import Counter
from importlib import resources
from itertools import combinations
from pathlib import Path

import jsonschema_rs
import pytest

from evals.scenarios.expected import REPLY_ATOMS
from evals.scenarios.load import FRESH, OURS, digest, load, ours
from evals.scenarios.scenario import Says, Scenario
from evals.scenarios.schema import FILE, schema
from tools.errors import Invalid

_COUNTED = 8  # of one category
_FOLDER = Path(str(resources.files("evals.scenarios")))
_WORD = re.compile(r"[^\W_]+")


@pytest.fixture(scope="module")
def every() -> list[Scenario]:
    return [*ours(OURS), *ours(FRESH)]


def test_there_are_at_least_150_scenarios_in_22_categories_and_a_third_is_fresh(
    every: list[Scenario],
) -> None:
    by_category = Counter(scenario.category for scenario in every)
    assert sum(min(n, _COUNTED) for n in by_category.values()) >= 150
    assert len(by_category) >= 22
    assert len(ours(FRESH)) * 3 >= 150
    assert not {s.id for s in ours(OURS)} & {s.id for s in ours(FRESH)}


def test_no_two_scenarios_share_more_than_half_of_the_customers_words(every: list[Scenario]) -> None:
    said = {s.id: set(_WORD.findall(" ".join(s.customer_words()).casefold())) for s in every}
    alike = [
        (one, other)
        for one, other in combinations([name for name, words in said.items() if words], 2)
        if len(said[one] & said[other]) * 2 > max(len(said[one]), len(said[other]))
    ]
    assert alike == []


def test_scenarios_cover_both_channels_both_kinds_of_customer_and_long_conversations(
    every: list[Scenario],
) -> None:
    channels = Counter(turn.channel for s in every for turn in s.turns if isinstance(turn, Says))
    kinds = Counter(s.customer.kind for s in every)
    assert min(channels["sms"], channels["email"]) * 4 >= sum(channels.values())
    assert min(kinds["business"], kinds["consumer"]) * 4 >= len(every)
    assert sum(len(s.turns) >= 2 for s in every) * 3 >= len(every)
    assert sum(len(s.turns) >= 4 for s in every) >= 4
    assert all(re.search(r"policy\.md|\d", s.rule) for s in every)


def test_every_text_of_a_customer_has_its_paraphrase_in_the_other_language(every: list[Scenario]) -> None:
    missing = {s.id for s in every for turn in s.turns if isinstance(turn, Says) and not turn.other}
    assert missing == set()


def test_files_stand_in_the_folder_of_their_category() -> None:
    for file in _FOLDER.glob("*/*/*.toml"):
        (scenario,) = load(file)
        assert (file.parent.name, file.stem) == (scenario.category, scenario.id)


def test_a_must_on_state_is_demanded_of_every_scenario(every: list[Scenario]) -> None:
    assert all(any(not isinstance(atom, REPLY_ATOMS) for atom in s.must) for s in every)


def test_the_schema_in_the_repository_is_that_of_the_format_and_every_scenario_fits_it(
    every: list[Scenario],
) -> None:
    text = (_FOLDER / FILE).read_text("utf-8")
    assert text == schema(), "python -m evals.scenarios.schema"
    validator = jsonschema_rs.Draft202012Validator(json.loads(text))
    for scenario in every:
        validator.validate(json.loads(scenario.model_dump_json(by_alias=True, exclude_none=True)))


def test_the_example_of_the_readme_is_a_scenario(tmp_path: Path) -> None:
    readme = (_FOLDER / "README.md").read_text("utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", readme, re.DOTALL)
    (tmp_path / "example.toml").write_text(example, "utf-8")
    assert load(tmp_path)[0].id == "promise-friday-in-full"


def test_a_folder_of_toml_and_a_file_of_json_lines_hold_the_same_scenarios(tmp_path: Path) -> None:
    some = ours(OURS)[:5]
    lines = tmp_path / "some.jsonl"
    lines.write_text("\n".join(s.model_dump_json(by_alias=True) for s in some) + "\n", "utf-8")
    assert load(lines) == some
    assert digest(load(lines)) == digest(some)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.json", "{", "cannot be read"),
        ("a.json", "{}", "a.json: id: Field required"),
        ("a.txt", "hello", "holds no scenario"),
        ("a.toml", "id = 1\nid = 2", "cannot be read"),
    ],
)
def test_what_is_no_scenario_is_refused_with_its_place(
    tmp_path: Path, name: str, text: str, says: str
) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(Invalid, match=says):
        load(tmp_path)


def test_a_folder_that_is_not_there_and_an_id_twice_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="There is no"):
        load(tmp_path / "nowhere")
    (one, *_) = ours(OURS)
    lines = tmp_path / "twice.jsonl"
    lines.write_text("\n".join([one.model_dump_json(by_alias=True)] * 2), "utf-8")
    with pytest.raises(Invalid, match=f"called {one.id}"):
        load(lines)
