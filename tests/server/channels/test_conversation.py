"""A whole conversation on each channel, over HTTP both ways: from the reminder to the receipt, in one thread."""

from datetime import timedelta

from server.cycle import run_cycle
from tests.server.channels.conftest import ADDRESS, NUMBER, Line


async def days_pass(line: Line, days: int) -> None:
    """A cycle each day, as a worker runs it."""
    for _ in range(days):
        line.world.clock.advance(timedelta(days=1))
        await run_cycle(line.engine, line.running.channels)
        await line.works()


async def test_a_text_message_conversation_runs_from_the_reminder_to_the_receipt(line: Line) -> None:
    world = line.world
    await run_cycle(line.engine, line.running.channels)
    await line.twilio.idle()
    (reminder,) = line.texts
    assert (reminder.to, "$1,000.00" in reminder.body) == (NUMBER, True)

    said = await line.text("Hi, sorry about that! I can pay the full amount on Friday.")
    await line.works()
    assert world.sql("SELECT state, amount_minor, due_date::text FROM promise") == [
        ("open", 100_000, "2026-03-13")
    ]
    answer = line.texts[-1]
    assert (answer.to, answer.from_) == (NUMBER, reminder.from_)
    assert "March 13" in answer.body or "Mar 13" in answer.body
    assert world.sql(
        "SELECT o.reply_to = m.id FROM outbox o, message m WHERE m.provider_id = %s AND o.id = 2", said
    ) == [True]

    await days_pass(line, 4)
    assert world.sql("SELECT kind, state FROM follow_up") == [("check_promise", "done")]

    world.paid(event=True, on=world.clock.now().date())
    await days_pass(line, 1)
    assert world.sql("SELECT purpose FROM message WHERE direction = 'out' ORDER BY id")[-1] == "receipt"
    assert "received your payment" in line.texts[-1].body
    assert {state for _, state in line.outbox()} == {"delivered"}
    assert line.refused() == []
    assert await world.chain_holds()


async def test_an_email_conversation_runs_from_the_reminder_to_the_receipt(line: Line) -> None:
    world = line.world
    world.sql("DELETE FROM contact WHERE channel = 'sms'")
    await run_cycle(line.engine, line.running.channels)
    await line.sendgrid.idle()
    (reminder,) = line.mails
    assert (reminder.to, "$1,000.00" in reminder.text) == (ADDRESS, True)

    said = await line.sendgrid.reply(reminder, "Hi, sorry about that! I can pay the full amount on Friday.")
    await line.works()
    assert world.sql("SELECT body, original LIKE '%%> Hi Odalys%%' FROM message WHERE direction = 'in'") == [
        ("Hi, sorry about that! I can pay the full amount on Friday.", True)
    ]
    assert world.sql("SELECT state, amount_minor, due_date::text FROM promise") == [
        ("open", 100_000, "2026-03-13")
    ]
    answer = line.mails[-1]
    assert (answer.headers["In-Reply-To"], answer.headers["References"].split()[-1]) == (said, said)
    assert answer.reply_to != reminder.reply_to
    assert "March 13, 2026" in answer.text

    await line.sendgrid.reply(
        answer, "Thank you!"
    )  # to the answer's own reply address, with its whole thread
    assert (await line.works()).sent == 0

    await days_pass(line, 4)
    assert world.sql("SELECT kind, state FROM follow_up") == [("check_promise", "done")]

    world.paid(event=True, on=world.clock.now().date())
    await days_pass(line, 1)
    assert world.sql("SELECT purpose FROM message WHERE direction = 'out' ORDER BY id")[-1] == "receipt"
    assert "received your payment" in line.mails[-1].text
    assert {state for _, state in line.outbox()} == {"delivered"}
    assert line.refused() == []
    assert await world.chain_holds()
