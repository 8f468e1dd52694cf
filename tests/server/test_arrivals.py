"""Money and disputes arrive by import: queued messages are taken back, approvals judged again, an episode thanks."""

from pathlib import Path

from agent.models.offline import OfflineCollector
from server.cycle import handle_waiting
from server.imports import import_and_handle
from server.sender import Dispatched, dispatch_due
from tests.world import World, message, proposing, reminder
from tools.channels.base import everywhere
from tools.channels.local import LocalChannel

MAPPING = """
ext_system = "csv"
currency = "USD"
[customers]
file = "customers.csv"
columns = { id = "Id", name = "Name", segment = "Segment", time_zone = "Zone" }
[contacts]
file = "contacts.csv"
columns = { id = "Id", customer_id = "Customer", name = "Name", channel = "Channel", address = "Address", verified_at = "Verified", consent = "Consent" }
[invoices]
file = "invoices.csv"
columns = { id = "Id", number = "No", customer_id = "Customer", issue_date = "Issued", due_date = "Due", total = "Total" }
[payments]
file = "payments.csv"
optional = true
columns = { id = "Id", customer_id = "Customer", invoice = "Invoice", paid_on = "On", amount = "Amount", status = "Status" }
[disputes]
file = "disputes.csv"
optional = true
columns = { id = "Id", customer_id = "Customer", invoice = "Invoice", reason = "Reason", state = "State" }
"""
FILES = {
    "mapping.toml": MAPPING,
    "customers.csv": "Id,Name,Segment,Zone\ncust-1,Quillfeather Bakery,{segment},America/Chicago\n",
    "contacts.csv": "Id,Customer,Name,Channel,Address,Verified,Consent\nc1,cust-1,Odalys Brambleworth,email,o@quill.example,2026-01-05,granted\n",
    "invoices.csv": "Id,No,Customer,Issued,Due,Total\ninv-1,A-1,cust-1,2026-02-02,2026-03-04,1000.00\ninv-2,A-2,cust-1,2026-02-02,2026-04-04,50.00\n",
}  # fmt: skip
PAYMENT = "Id,Customer,Invoice,On,Amount,Status\np1,cust-1,inv-1,2026-03-10,1000.00,succeeded\n"
DISPUTE = "Id,Customer,Invoice,Reason,State\nd1,cust-1,inv-1,quality,open\n"


async def _ledger(world: World, folder: Path, segment: str) -> None:
    for name, text in FILES.items():
        (folder / name).write_text(text.replace("{segment}", segment), "utf-8")
    report = await import_and_handle(world.engine(proposing()), folder, imported_by="test")
    assert report["ok"], report


async def test_a_payment_withdraws_what_is_queued_and_is_thanked_for(world: World, tmp_path: Path) -> None:
    await _ledger(world, tmp_path, "assisted")
    await world.engine(proposing(reminder())).run(world.step())
    assert world.sql("SELECT state FROM outbox") == ["queued"]
    (tmp_path / "payments.csv").write_text(PAYMENT, "utf-8")
    engine = world.engine(OfflineCollector())

    report = await import_and_handle(engine, tmp_path, imported_by="test")

    assert (report["events"], report["withdrawn"], report["episodes"], report["episodes_failed"]) == (
        1,
        1,
        1,
        0,
    )
    sent = world.sql(
        "SELECT m.purpose, o.state FROM outbox o JOIN message m ON m.id = o.message_id ORDER BY o.id"
    )
    assert sent == [("reminder", "withdrawn"), ("receipt", "queued")]
    assert "$1,000.00" in world.sql("SELECT body FROM message WHERE purpose = 'receipt'")[0]
    assert await dispatch_due(engine, everywhere(LocalChannel())) == Dispatched(sent=1)

    again = await import_and_handle(engine, tmp_path, imported_by="test")
    assert (again["events"], again["episodes"]) == (0, 0), "the same files again change nothing"
    assert await handle_waiting(engine) == ([], [])
    assert world.count("outbox") == 2
    assert await world.chain_holds()


async def test_a_payment_judges_what_waits_for_a_person_anew(world: World, tmp_path: Path) -> None:
    await _ledger(world, tmp_path, "draft")
    engine = world.engine(proposing(reminder()))
    (waiting,) = (await engine.run(world.step())).approvals
    (tmp_path / "payments.csv").write_text(PAYMENT, "utf-8")

    await import_and_handle(world.engine(OfflineCollector()), tmp_path, imported_by="test")

    assert world.state(waiting) == "withdrawn"
    assert world.sql("SELECT decided_by FROM approval") == ["system"]
    assert world.sql("SELECT purpose FROM message WHERE direction = 'out'") == ["receipt"], (
        "thanked in every mode"
    )
    assert world.checkpoints() == 0
    assert await world.chain_holds()


async def test_a_dispute_withdraws_what_is_queued_and_stops_what_waits(world: World, tmp_path: Path) -> None:
    await _ledger(world, tmp_path, "assisted")
    engine = world.engine(proposing(reminder(), reminder(template=None, body="Hello, {{balance}} is due.")))
    waiting = (await engine.run(world.step())).approvals
    (tmp_path / "disputes.csv").write_text(DISPUTE, "utf-8")

    report = await import_and_handle(world.engine(OfflineCollector()), tmp_path, imported_by="test")

    assert (report["withdrawn"], report["events"]) == (1, 1)
    assert {world.state(a) for a in waiting} <= {"withdrawn"}
    assert world.count("outbox", "state IN ('queued', 'sent')") == 0
    assert world.count("ledger_event", "handled_at IS NULL") == 0


async def test_what_a_payment_does_not_concern_goes_on_waiting(world: World, tmp_path: Path) -> None:
    await _ledger(world, tmp_path, "draft")
    engine = world.engine(proposing(message("clarify", channel="email", invoices=["inv-2"])))
    (waiting,) = (await engine.run(world.step())).approvals
    (tmp_path / "payments.csv").write_text(PAYMENT, "utf-8")

    await import_and_handle(world.engine(OfflineCollector()), tmp_path, imported_by="test")

    assert world.state(waiting) == "pending"
