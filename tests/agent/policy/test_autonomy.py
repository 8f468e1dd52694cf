"""The autonomy ladder: what it takes to go up, what brings it down, and that no count works both ways."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.policy.autonomy import MODES, AutonomyTerms, Evidence, Promotion, weigh
from agent.policy.document import load_policy, parse_policy
from tests.world import policy
from tools.ledger.model import Mode

TERMS = AutonomyTerms()
GOOD = Evidence(accepted=40, edited=2, rejected=1, distance_permille=400, sent=400, complaints=2)


@pytest.mark.parametrize(
    ("now", "ceiling", "evidence", "then"),
    [
        ("draft", "assisted", GOOD, "assisted"),
        ("draft", "automatic", GOOD, "assisted"),  # one step at a time
        ("assisted", "automatic", GOOD, "automatic"),
        ("draft", "draft", GOOD, "draft"),
        ("observe", "observe", GOOD, "observe"),
        ("draft", "assisted", Evidence(), "draft"),
        ("draft", "assisted", replace(GOOD, accepted=29, edited=0, rejected=0), "draft"),
        ("draft", "assisted", replace(GOOD, edited=5), "draft"),
        ("draft", "assisted", replace(GOOD, distance_permille=2001), "draft"),
        ("draft", "assisted", replace(GOOD, complaints=5), "draft"),
        ("draft", "assisted", replace(GOOD, false_positives=5), "draft"),
        ("automatic", "automatic", replace(GOOD, complaints=13), "assisted"),
        ("assisted", "automatic", replace(GOOD, complaints=13), "draft"),
        ("assisted", "automatic", replace(GOOD, false_positives=13), "draft"),
        ("assisted", "automatic", replace(GOOD, rejected=20), "draft"),
        ("draft", "automatic", replace(GOOD, complaints=13), "draft"),  # a person sees each one already
        ("assisted", "automatic", Evidence(sent=4, complaints=2), "assisted"),  # two cases are no rule
        ("assisted", "automatic", Evidence(sent=4, complaints=3), "draft"),
    ],
)
def test_a_mode_goes_up_on_evidence_and_down_on_a_breach(
    now: Mode, ceiling: Mode, evidence: Evidence, then: Mode
) -> None:
    weighed = weigh(now, ceiling, evidence, TERMS)
    assert weighed.mode == then
    assert weighed.why


counts = st.integers(0, 300)
evidences = st.builds(
    Evidence, accepted=counts, edited=counts, rejected=counts, distance_permille=st.integers(0, 60_000), sent=counts,
    complaints=st.integers(0, 20), false_positives=st.integers(0, 20),
)  # fmt: skip
shares = st.floats(0, 1, allow_nan=False)
terms = st.builds(
    lambda promote, **demote: TERMS.model_copy(
        update={"promote": promote, "demote": TERMS.demote.model_copy(update=demote)}
    ),
    promote=st.builds(
        Promotion, accepted=st.integers(1, 100), unchanged=shares, edit_distance=shares, complaints=shares,
        false_positives=shares,
    ),
    count=st.integers(1, 10), rejected=shares, complaints=shares, false_positives=shares,
)  # fmt: skip
modes = st.sampled_from(MODES)


@given(modes, modes, evidences, terms, st.integers(1, 50))
def test_each_count_moves_the_mode_one_way_only(
    now: Mode, ceiling: Mode, evidence: Evidence, terms: AutonomyTerms, more: int
) -> None:
    def place(of: Evidence) -> int:
        return MODES.index(weigh(now, max(now, ceiling, key=MODES.index), of, terms).mode)

    for good in ("accepted", "sent"):
        assert place(replace(evidence, **{good: getattr(evidence, good) + more})) >= place(evidence), good
    for bad in ("edited", "rejected", "distance_permille", "complaints", "false_positives"):
        assert place(replace(evidence, **{bad: getattr(evidence, bad) + more})) <= place(evidence), bad


@given(modes, modes, evidences, terms)
def test_a_step_is_one_step_and_never_above_what_the_file_allows(
    now: Mode, ceiling: Mode, evidence: Evidence, terms: AutonomyTerms
) -> None:
    most = max(now, ceiling, key=MODES.index)
    weighed = weigh(now, most, evidence, terms)
    moved = MODES.index(weighed.mode) - MODES.index(now)
    assert abs(moved) <= 1
    assert MODES.index(weighed.mode) <= MODES.index(most)
    assert not (weighed.breach and moved > 0)
    assert moved >= 0 or weighed.mode != "observe"


@given(modes, st.sampled_from(["draft", "assisted", "automatic"]))
def test_the_effective_mode_is_the_lower_of_the_file_and_the_record(level: Mode, segment: Mode) -> None:
    effective = policy().mode(segment, "reminder", {"reminder": level})
    assert MODES.index(effective) == min(MODES.index(level), MODES.index(segment))
    assert policy().mode(segment, "reply", {"reminder": level}) == segment


def test_a_segment_may_begin_lower_than_it_may_go() -> None:
    text = load_policy().text.replace('mode = "draft"', 'mode = "automatic"\nstart = "draft"', 1)
    begun = parse_policy(text)
    assert begun.mode("default", "reminder") == "draft"
    assert begun.mode("default", "reminder", {"reminder": "assisted"}) == "assisted"
    assert begun.most("default", "reminder") == "automatic"
