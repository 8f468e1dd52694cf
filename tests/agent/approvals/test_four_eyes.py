"""Four eyes: above the policy's amount two different people approve, whoever asks for the permit."""

import asyncio

import psycopg
import pytest

from agent.approvals import decide
from agent.approvals.model import Decided
from agent.policy.document import Policy, parse_policy
from agent.policy.gate import Gate
from agent.policy.verdict import Allow, Approver, Refuse
from server.sender import dispatch_due
from tests.builders import a_message, an_account, an_invoice, drafted
from tests.world import MANAGER, SECOND_MANAGER, World, message, policy, proposing
from tools.channels.base import everywhere
from tools.channels.local import LocalChannel
from tools.errors import AlreadyDecided, BalanceChanged, Forbidden


def two_above(amount: str) -> Policy:
    """The test policy with four eyes above an amount."""
    return parse_policy(
        policy().text.replace('# four_eyes_above = "10000.00"', f'four_eyes_above = "{amount}"', 1)
    )


@pytest.mark.parametrize(
    ("owed", "first", "allowed"),
    [
        (1_000_000, None, True),  # 10,000.00 is not above it
        (1_000_001, None, False),
        (1_000_001, "mona", False),  # the same person twice
        (1_000_001, "paul", False),  # who proposed it
        (1_000_001, "milo", True),
    ],
)
def test_the_gate_itself_wants_a_second_person(owed: int, first: str | None, allowed: bool) -> None:
    gate = Gate(two_above("10000.00"))
    account = an_account(invoices=[an_invoice(balance_minor=owed, total_minor=owed)])
    given = drafted(a_message(), draft={"amount_minor": owed}, account=account, proposer="paul")
    ruling = gate.rule(a_message(), given, Approver("mona", "manager", 10**9, first))
    if allowed:
        assert isinstance(ruling.verdict, Allow)
    else:
        assert isinstance(ruling.verdict, Refuse)
        assert ruling.findings[-1].rule == "APPROVER-SECOND"


async def test_of_two_who_approve_at_once_one_is_the_first_and_nothing_happens_twice(world: World) -> None:
    world.customer(segment="draft")
    _, (waiting,) = await world.asked(message())
    engine = world.engine(proposing(), policy=two_above("500.00"))
    decision = await world.decision(waiting)

    answers = await asyncio.gather(
        *(decide.decide(engine, waiting, decision, who) for who in (MANAGER, SECOND_MANAGER, MANAGER)),
        return_exceptions=True,
    )

    assert all(isinstance(a, Decided | AlreadyDecided | Forbidden) for a in answers)
    assert world.count("outbox") <= 1
    assert world.count("activity_log", "action = 'approval.agreed_first'") == 1
    for who in (MANAGER, SECOND_MANAGER):
        if world.state(waiting) == "pending" and world.sql("SELECT first_by FROM approval") != [who.name]:
            await decide.decide(engine, waiting, decision, who)
    assert world.state(waiting) == "approved"
    assert world.count("outbox") == 1
    assert await world.chain_holds()


async def test_facts_that_moved_void_the_first_word_too(world: World) -> None:
    world.customer(segment="draft")
    _, (waiting,) = await world.asked(message())
    engine = world.engine(proposing(), policy=two_above("500.00"))
    decision = await world.decision(waiting)
    await decide.decide(engine, waiting, decision, MANAGER)
    world.sql("UPDATE invoice SET total_minor = 110000, balance_minor = 110000")

    with pytest.raises(BalanceChanged):
        await decide.decide(engine, waiting, decision, SECOND_MANAGER)
    (again,) = await world.pending()
    assert world.sql("SELECT first_by FROM approval WHERE id = %s", again) == [None]


async def test_the_database_keeps_one_person_from_being_both(world: World) -> None:
    world.customer(segment="draft")
    await world.asked(message())
    with pytest.raises(psycopg.errors.CheckViolation):
        world.sql(
            "UPDATE approval SET first_by = 'mona', first_at = now(), decided_by = 'mona', state = 'approved'"
        )


@pytest.mark.parametrize(("second", "leaves"), [(True, 1), (False, 0)])
async def test_a_message_leaves_only_with_both_names(world: World, second: bool, leaves: int) -> None:
    """At dispatch it is judged again: a policy that wants two people now keeps back what one approved."""
    for who in (MANAGER, SECOND_MANAGER):
        world.user(who)
    world.customer(segment="draft")
    one, (waiting,) = await world.asked(message())
    two = world.engine(proposing(), policy=two_above("500.00"))
    for who in (SECOND_MANAGER, MANAGER) if second else (MANAGER,):
        await decide.decide(two if second else one, waiting, await world.decision(waiting), who)

    assert (await dispatch_due(two, everywhere(LocalChannel()))).sent == leaves
    assert world.count("outbox", "state = 'withdrawn'") == 1 - leaves
