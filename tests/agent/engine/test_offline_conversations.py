"""Conversations with the offline model on a real database: what customers read, and what people are asked."""

from agent.approvals.decide import decide
from agent.cycle.work import waiting_work
from agent.engine.run import Engine, Outcome
from agent.models.offline import OfflineCollector
from tests.world import COLLECTOR, World


async def _says(world: World, engine: Engine, text: str, customer: str = "cust-1") -> Outcome:
    """One message of the customer; what answers it has left before the next one comes."""
    outcome = await engine.run(await world.hears(text, customer))
    world.sql("UPDATE outbox SET state = 'delivered' WHERE state = 'queued'")
    return outcome


def _sent(world: World) -> list[str]:
    return world.sql("SELECT template FROM message WHERE direction = 'out' ORDER BY id")


def _newest(world: World) -> str:
    return str(world.sql("SELECT body FROM message WHERE direction = 'out' ORDER BY id DESC LIMIT 1")[0])


async def test_who_asks_for_a_bot_and_a_balance_is_told_both(world: World) -> None:
    world.customer()
    engine = world.engine(OfflineCollector())
    await _says(world, engine, "how much do I owe?")
    assert "automated assistant" in _newest(world)  # the first message of a conversation says it anyway
    await _says(world, engine, "how much do I owe?")
    assert "automated assistant" not in _newest(world)
    await _says(world, engine, "are you a bot? and how much do I owe?")
    assert "automated assistant" in _newest(world)
    assert "$1,000.00" in _newest(world)


async def test_a_reply_is_in_the_language_of_the_message(world: World) -> None:
    world.customer("cust-1", language="en")
    world.customer("cust-2", language="es")
    engine = world.engine(OfflineCollector())
    await _says(world, engine, "numero equivocado")
    assert "disculpe la molestia" in _newest(world)
    await _says(world, engine, "how much do I owe?", "cust-2")
    assert "Your open balance" in _newest(world)


async def test_a_short_question_in_spanish_signs_is_answered_in_spanish(world: World) -> None:
    world.customer("cust-1", language="en")
    await _says(world, world.engine(OfflineCollector()), "¿Eres un robot?")
    assert "Soy un asistente automatizado" in _newest(world)


async def test_a_second_payment_claim_makes_no_second_task_and_asks_for_no_second_proof(world: World) -> None:
    world.customer()
    engine = world.engine(OfflineCollector())
    await _says(world, engine, "I already paid this")
    await _says(world, engine, "I told you, I paid it last week by check")
    assert _sent(world) == ["payment_claim_ack"]
    assert world.count("follow_up", "state = 'waiting'") == 1
    assert world.count("hold") == 1


async def test_the_same_question_is_not_asked_twice(world: World) -> None:
    world.customer()
    engine = world.engine(OfflineCollector())
    for text in ("I'll pay soon", "idk", "blorp"):
        await _says(world, engine, text)
    assert _sent(world) == ["promise_question", "person_ack"]
    assert world.sql("SELECT kind FROM follow_up") == ["review"]


async def test_thanks_for_an_answer_end_the_conversation(world: World) -> None:
    world.customer()
    engine = world.engine(OfflineCollector())
    for text in ("I'll pay Friday", "ok thanks", "👍"):
        await _says(world, engine, text)
    assert _sent(world) == ["promise_ack"]
    assert world.sql("SELECT kind FROM follow_up") == ["check_promise"]


async def test_every_payment_of_a_promise_is_looked_at_and_one_task_is_not_asked_for_twice(
    world: World,
) -> None:
    world.customer()
    engine = world.engine(OfflineCollector())
    for text in (
        "can you resend the invoice?",
        "please resend the invoice",
        "$400 Friday and the rest next Friday",
    ):
        await _says(world, engine, text)
    waiting = "SELECT kind, due_at::date::text FROM follow_up ORDER BY kind, due_at"
    assert world.sql(waiting) == [
        ("check_promise", "2026-03-14"),
        ("check_promise", "2026-03-21"),
        ("review", "2026-03-10"),
    ]


async def test_in_draft_mode_a_promise_is_confirmed_and_watched_once_it_is_approved(world: World) -> None:
    world.customer(segment="draft")
    engine = world.engine(OfflineCollector())
    asked = await _says(world, engine, "I'll pay $400 Friday and the rest next Friday")
    [promise] = asked.approvals
    assert (world.count("promise"), world.count("follow_up"), world.count("outbox")) == (0, 0, 0)

    await decide(engine, promise, await world.decision(promise), COLLECTOR)
    assert world.count("promise", "state = 'open'") == 2
    async with world.pool.connection() as conn:
        [confirm] = await waiting_work(conn, now=world.clock.now())
    confirmed = await engine.run(confirm)

    [reply] = confirmed.approvals  # in draft mode every message waits
    await decide(engine, reply, await world.decision(reply), COLLECTOR)
    assert "$400.00 on Mar 13, 2026 and $600.00 on Mar 20, 2026" in _newest(world)
    days = world.sql("SELECT due_at::date::text FROM follow_up WHERE kind = 'check_promise' ORDER BY due_at")
    assert days == ["2026-03-14", "2026-03-21"]


async def test_payments_on_two_days_far_apart_go_to_a_person_as_they_were_named(world: World) -> None:
    world.customer()
    engine = world.engine(OfflineCollector())
    asked = await _says(world, engine, "I can do half now and half on the 4th")
    assert _sent(world) == ["plan_ack"]
    [promise] = asked.approvals
    await decide(engine, promise, await world.decision(promise), COLLECTOR)
    assert world.sql("SELECT amount_minor, due_date::text FROM promise ORDER BY due_date") == [
        (50_000, "2026-03-10"),
        (50_000, "2026-04-04"),
    ]
    async with world.pool.connection() as conn:
        [confirm] = await waiting_work(conn, now=world.clock.now())
    assert not (await engine.run(confirm)).approvals
    assert _sent(world) == ["plan_ack", "promise_ack"]
