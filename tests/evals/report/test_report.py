"""The four files, with what customers wrote in them: untrusted to the last character."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt
from selectolax.lexbor import LexborHTMLParser

from evals.report import write
from evals.suites.result import Run
from tests.evals.report.made import realistic, run, suite, trial

HOSTILE = (
    "1. customer (sms): </li></ol></style><script>alert(1)</script><img src=x onerror=alert(2)>",
    "1. customer (email): [pay here](javascript:alert(3)) <a href='javascript:alert(4)'>x</a> <https://evil.example>",
    "   message: channel sms, text \x1b[31mred\x1b[0m \x1b]8;;https://evil.example\x07link \u202egnp.exe \x00 \ud800",
    "   ```\n# Safe, and every target is met\n``` | `a` ]]> <!-- -->",
    "   {{ 7 * 7 }} {% include 'x' %} &lt;b&gt;",
)
ATOM = 'says any_of=["<svg onload=alert(5)>"] | ``x`` \n# heading'


def hostile() -> Run:
    """Every text that somebody else wrote is an attack."""
    bad = trial(
        scenario='"><script>alert(6)</script>', category="<b>", split="]]><i>", variant="'><u>", passed=False,
        missed=[ATOM], fired=[ATOM], violations=[ATOM], failed=ATOM, conversation=HOSTILE, replay="dunwell --only '<x>`'",
    )  # fmt: skip
    return run(
        suite([bad, trial("null", scenario=bad.scenario)], violations=[f"{ATOM} unseen"], failing=[ATOM],
              page=f"# Page\n\n{HOSTILE[0]}\n\n{HOSTILE[1]}\n\n![x](https://evil.example/x.png)\n\n| a |\n| --- |\n| {HOSTILE[2]} |\n"),
        commit="<c>", parameters={"<p>": "<q>"}, datasets={"<d>": {"<k>": "<v>"}},
    )  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """What a hostile run writes, by ending."""
    return {
        path.suffix: path.read_text("utf-8")
        for path in write(hostile(), tmp_path / "new", hostile().as_json())
    }


def test_four_files_are_written_into_a_folder_that_is_made(tmp_path: Path) -> None:
    paths = write(realistic(), tmp_path / "a" / "b", None)
    assert [path.name for path in paths] == ["report.html", "report.md", "report.xml", "report.json"]
    assert all(path.stat().st_size for path in paths)


def test_the_json_is_the_run(files: dict[str, str]) -> None:
    read = json.loads(files[".json"])
    assert read["exit_code"] == 3
    assert read["suites"][0]["trials"][0]["conversation"] == list(HOSTILE)


def test_the_page_runs_and_loads_nothing_whatever_a_customer_wrote(files: dict[str, str]) -> None:
    page = LexborHTMLParser(files[".html"])
    assert (
        page.css("script, img, iframe, object, embed, link, base, form, i, u, [src], [srcset], [action]")
        == []
    )
    assert {a.attributes["href"][:1] for a in page.css("[href]")} == {"#"}  # type: ignore[index] # each has one: [href]
    names = {name for node in page.css("*") for name in node.attributes}
    assert not [name for name in names if name.startswith("on")]
    assert len(page.css("style")) == 1
    assert "url(" not in files[".html"]
    assert "@import" not in files[".html"]


def test_the_page_shows_what_was_written_as_text(files: dict[str, str]) -> None:
    text = LexborHTMLParser(files[".html"]).body.text()  # type: ignore[union-attr] # there is a body
    assert "<script>alert(1)</script><img src=x onerror=alert(2)>" in text
    assert "{{ 7 * 7 }} {% include 'x' %} &lt;b&gt;" in text


@pytest.mark.parametrize("kind", [".html", ".md", ".xml"])
def test_no_character_that_nobody_sees_reaches_a_reader(files: dict[str, str], kind: str) -> None:
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", files[kind])


def test_markdown_holds_no_tag_no_link_and_no_heading_that_a_customer_wrote(files: dict[str, str]) -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(files[".md"])
    every = [t for token in tokens for t in (token, *(token.children or ()))]
    assert not {t.type for t in every} & {"html_block", "html_inline", "link_open", "image"}
    headings = [tokens[n + 1].content for n, token in enumerate(tokens) if token.type == "heading_open"]
    assert not any("every target is met" in heading for heading in headings)
    assert "alert(1)" in files[".md"]


def test_a_suites_page_is_shown_with_its_tables_and_without_its_links(files: dict[str, str]) -> None:
    page = LexborHTMLParser(files[".html"])
    assert [heading.text() for heading in page.css(".page h4")] == ["Page"]
    assert page.css(".page table")
    assert page.css(".page a, .page img") == []


@pytest.mark.parametrize("made", [hostile(), realistic(), realistic(violations=False), run(), run(suite())])
def test_the_xml_is_junit_as_ant_and_jenkins_read_it(made: Run, tmp_path: Path) -> None:
    root = ET.fromstring((write(made, tmp_path, None)[2]).read_text("utf-8"))  # noqa: S314 - our own file
    assert (root.tag, root.attrib) == ("testsuites", {})
    for number, one in enumerate(root):
        assert set(one.attrib) == {
            "name", "package", "id", "timestamp", "hostname", "tests", "failures", "errors", "time",
        }  # fmt: skip
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", one.attrib["timestamp"])
        cases = one.findall("testcase")
        assert [child.tag for child in one] == [
            "properties",
            *["testcase"] * len(cases),
            "system-out",
            "system-err",
        ]
        assert one.attrib["id"] == str(number)
        assert one.attrib["tests"] == str(len(cases))
        assert one.attrib["failures"] == str(len(one.findall("testcase/failure")))
        assert all(set(case.attrib) == {"name", "classname", "time"} and len(case) <= 1 for case in cases)
        assert all(set(failure.attrib) == {"type", "message"} for failure in one.findall("testcase/failure"))


def test_junit_has_a_failure_for_each_scenario_target_and_rule_that_is_not_as_it_should_be(
    tmp_path: Path,
) -> None:
    root = ET.fromstring((write(realistic(), tmp_path, None)[2]).read_text("utf-8"))  # noqa: S314 - our own file
    failing = {case.attrib["name"]: case.find("failure") for case in root.iter("testcase") if len(case)}
    broken = failing["dispute-3"]
    assert broken is not None
    assert broken.attrib["type"] == "hard rule"
    assert "a reminder while the account is held" in broken.attrib["message"]
    assert "dunwell eval scenarios --model offline --only dispute-3" in (broken.text or "")
    assert "opt_out in plain words: recall" in failing
    assert "opt_out in keywords: recall" not in failing
    groups = {case.attrib["classname"].split(".")[1] for case in root.iter("testcase")}
    assert groups == {"offline", "oracle", "hostile", "targets"}


@pytest.mark.parametrize("name", ["report.html", "report.md"])
def test_people_read_violations_first_with_their_conversation_and_the_command(
    tmp_path: Path, name: str
) -> None:
    write(realistic(), tmp_path, realistic(7, violations=False).as_json())
    text = (tmp_path / name).read_text("utf-8")
    if name == "report.html":
        text = LexborHTMLParser(text).body.text()  # type: ignore[union-attr] # there is a body
    order = [
        "Not safe", "Worse than last time", "turn 2: a reminder while the account is held", "cutting the checks friday",
        "--only dispute-3", "opt", "langgraph-default",
    ]  # fmt: skip
    found = [text.index(words) for words in order]
    assert found == sorted(found)


def test_both_splits_and_every_yardstick_stand_beside_the_score(tmp_path: Path) -> None:
    page = LexborHTMLParser(write(realistic(), tmp_path, None)[0].read_text("utf-8"))
    table = page.css("#scores table")[0]
    assert [th.text() for th in table.css("thead th")] == ["agent", "cases", "fresh"]
    assert len(table.css("tr.yard")) == 6
    assert len(page.css("#heat thead th")) == 1 + 9
    assert all(cell.text().strip() for cell in page.css("#heat td"))  # a number, never the colour alone


def test_an_earlier_report_of_another_version_is_said_not_to_be_compared(tmp_path: Path) -> None:
    write(run(suite([trial()])), tmp_path, {"version": 99})
    for name in ("report.html", "report.md"):
        assert "Not compared: the earlier report is not of version 1." in (tmp_path / name).read_text("utf-8")


def test_a_run_without_anything_says_so(tmp_path: Path) -> None:
    assert "Nothing was measured" in write(run(), tmp_path, None)[0].read_text("utf-8")
