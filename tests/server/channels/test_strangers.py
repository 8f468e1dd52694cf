"""Who is writing: in doubt nobody is answered, nothing is disclosed, and a person says whom it concerns."""

from email.message import EmailMessage
from email.policy import SMTP

from evals.providers.sendgrid.inbound import Vouched
from server.cycle import run_cycle
from tests.server.channels.conftest import NUMBER, Line

STRANGER = "+13125550777"


async def test_a_person_assigns_what_an_unknown_or_a_shared_number_wrote(line: Line) -> None:
    world = line.world
    await line.text("What do I owe?", STRANGER)
    world.customer("cust-2", name="Thistlewick Laundry")
    world.sql("UPDATE contact SET address = %s WHERE id = 'cust-2-sms'", NUMBER)
    await line.text("And what do I owe?")
    await line.works()
    assert (line.outbox(), line.texts, world.count("message")) == ([], [], 0)
    waiting = await line.inbox()
    assert [(w["why"], w["customer_ids"]) for w in waiting] == [
        ("unknown_sender", []), ("shared_address", ["cust-1", "cust-2"]),
    ]  # fmt: skip

    unknown, shared = (f"/v1/inbox/{w['id']}" for w in waiting)
    assert (
        await line.api("POST", f"{unknown}/assign", "viewer", json={"customer_id": "cust-1"})
    ).status_code == 403
    assert (await line.api("POST", f"{unknown}/assign", json={"customer_id": "nobody"})).status_code == 404
    assert (await line.api("POST", f"{unknown}/assign", json={"customer_id": "cust-1"})).status_code == 200
    assert (await line.api("POST", f"{unknown}/dismiss")).status_code == 410
    assert (await line.api("POST", f"{shared}/assign", json={"customer_id": "cust-2"})).status_code == 200
    await line.works()

    assert await line.inbox() == []
    assert {text.to for text in line.texts} <= {NUMBER}  # of whom wrote from elsewhere: nothing left
    assert world.sql("SELECT customer_id, contact_id FROM message WHERE direction = 'in' ORDER BY id") == [
        ("cust-1", None), ("cust-2", "cust-2-sms"),
    ]  # fmt: skip
    assert world.sql("SELECT body, original FROM unmatched_message") == [(None, None)] * 2
    assert await world.chain_holds()


async def test_mail_of_doubtful_origin_is_answered_by_nobody(line: Line) -> None:
    world = line.world
    world.sql("DELETE FROM contact WHERE channel = 'sms'")
    await run_cycle(line.engine, line.running.channels)
    await line.sendgrid.idle()
    (mail,) = line.mails
    ask, boss = "What do we owe you?", "boss@elsewhere.example"
    await line.sendgrid.reply(mail, ask, vouched=Vouched(dkim="none", spf="fail"))
    await line.sendgrid.reply(mail, ask, from_=boss)
    await line.sendgrid.reply(
        mail,
        f"FYI\n\n---------- Forwarded message ---------\nFrom: {boss}\nSubject: Money\n\n{ask}",
        quotes=False,
    )
    fresh = EmailMessage(policy=SMTP)
    fresh["From"], fresh["To"], fresh["Subject"] = boss, mail.reply_to, "No thread"
    fresh["Message-ID"] = "<n1@elsewhere.example>"
    fresh.set_content(ask)
    await line.sendgrid.receive(bytes(fresh), from_=boss, to=["hello@parse.seller.example"])
    sent = len(line.mails)
    await line.works()

    assert (len(line.mails), world.count("message", "direction = 'in'")) == (sent, 0)
    assert [w["why"] for w in await line.inbox()] == [
        "not_vouched_for", "other_sender", "forwarded", "unknown_sender",
    ]  # fmt: skip
    assert line.refused() == []


async def test_an_out_of_office_and_a_loop_are_kept_and_never_answered(line: Line) -> None:
    world = line.world
    world.sql("DELETE FROM contact WHERE channel = 'sms'")
    await run_cycle(line.engine, line.running.channels)
    await line.sendgrid.idle()
    (mail,) = line.mails
    await line.sendgrid.reply(
        mail, "I am out of the office until Monday. Stop by then!", headers={"Auto-Submitted": "auto-replied"}
    )
    await line.sendgrid.reply(mail, "Your ticket was opened.", headers={"X-Loop": "x", "Precedence": "bulk"})
    for _ in range(2):
        await line.sendgrid.reply(mail, "And again.", from_="billing@seller.example")  # our own address
    await line.works()

    assert len(line.mails) == 1
    assert world.sql("SELECT DISTINCT handled_at IS NOT NULL FROM message WHERE direction = 'in'") == [True]
    assert world.count("message", "direction = 'in'") >= 1
    assert line.consent() == []
