"""Money and disputes that arrive: an event each, and queued messages are withdrawn in the same transaction."""

from pathlib import Path

import pytest

from server.db import Connection

from .books import NOW, contact, customer, invoice, payment, run, write


async def queue_message(conn: Connection, customer_id: str = "K1") -> int:
    """A queued message for the customer, with the episode and decision that it must cite."""
    await conn.execute("INSERT INTO policy_version VALUES ('v', '', %s) ON CONFLICT DO NOTHING", [NOW])
    given = {"c": customer_id, "now": NOW, "e": f"e-{customer_id}"}
    await conn.execute(
        "INSERT INTO episode (id, customer_id, turn_key, trigger, model_id, prompt_version, policy_version, "
        "graph_version, outcome, started_at, committed_at) "
        "VALUES (%(e)s, %(c)s, %(e)s, '{}', 'm', 'p', 'v', 'g', 'settled', %(now)s, %(now)s)",
        given,
    )
    row = await (
        await conn.execute(
            """WITH d AS (INSERT INTO decision (customer_id, episode_id, position, tool, digest, actor, verdict,
                                                reasons, policy_version, facts, facts_digest, at)
                          VALUES (%(c)s, %(e)s, 0, 't', 'x', 'agent', 'allow', '[]', 'v', '{}', 'x', %(now)s)
                          RETURNING id),
                    m AS (INSERT INTO message (customer_id, direction, channel, body, body_digest, at)
                          VALUES (%(c)s, 'out', 'email', 'text', 'x', %(now)s) RETURNING id)
               INSERT INTO outbox (customer_id, episode_id, decision_id, digest, message_id, contact_id, channel, action,
                                   not_before, created_at)
               SELECT %(c)s, %(e)s, d.id, 'x', m.id, k.id, 'email', '{}', %(now)s, %(now)s
                 FROM d, m, contact k WHERE k.customer_id = %(c)s LIMIT 1 RETURNING id""",
            given,
        )
    ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture
async def queued(conn: Connection, tmp_path: Path) -> dict[str, int]:
    """Two customers with an invoice and a queued message each, imported before."""
    write(tmp_path, "customers", customer("K1"), customer("K2"))
    write(tmp_path, "contacts", contact("K1"), contact("K2"))
    write(tmp_path, "invoices", invoice("I1"), invoice("I2", customer_id="K2"))
    report = await run(conn, tmp_path)
    assert (report.events, report.withdrawn) == (0, 0)
    return {"K1": await queue_message(conn, "K1"), "K2": await queue_message(conn, "K2")}


async def happened(conn: Connection) -> list[tuple[str, str, str]]:
    rows = await conn.execute("SELECT customer_id, kind, ref FROM ledger_event ORDER BY id")
    return [(row[0].strip(), row[1], row[2]) for row in await rows.fetchall()]


async def outbox(conn: Connection) -> dict[str, str]:
    rows = await conn.execute("SELECT customer_id, state FROM outbox")
    return {row[0]: row[1] for row in await rows.fetchall()}


async def test_a_first_import_makes_no_events(conn: Connection, tmp_path: Path) -> None:
    write(tmp_path, "customers", customer())
    write(tmp_path, "invoices", invoice(disputed="yes", balance="10.00"))
    write(tmp_path, "payments", payment())
    report = await run(conn, tmp_path)
    assert report.events == 0
    assert await happened(conn) == []


async def test_a_payment_withdraws_what_is_queued_for_its_customer_only(
    conn: Connection, tmp_path: Path, queued: dict[str, int]
) -> None:
    write(tmp_path, "payments", payment())
    report = await run(conn, tmp_path, "payments")

    assert (report.events, report.withdrawn) == (1, 1)
    assert await happened(conn) == [("K1", "payment", "P1")]
    assert await outbox(conn) == {"K1": "withdrawn", "K2": "queued"}
    row = await (
        await conn.execute("SELECT reason, settled_at FROM outbox WHERE id = %s", [queued["K1"]])
    ).fetchone()
    assert row == ("the ledger changed: payment", NOW)

    again = await run(conn, tmp_path, "payments")
    assert (again.events, again.withdrawn) == (0, 0)


async def test_a_pending_payment_is_an_event_when_it_succeeds_and_again_when_it_is_taken_back(
    conn: Connection, tmp_path: Path, queued: dict[str, int]
) -> None:
    for status, kinds in (
        ("pending", []),
        ("succeeded", ["payment"]),
        ("charged_back", ["payment", "payment_reversed"]),
    ):
        write(tmp_path, "payments", payment(status=status))
        await run(conn, tmp_path)
        assert [kind for _, kind, _ in await happened(conn)] == kinds


async def test_credits_and_disputes_are_events(
    conn: Connection, tmp_path: Path, queued: dict[str, int]
) -> None:
    credit = {"id": "M1", "number": "M1", "customer_id": "K1", "invoice": "I1", "issue_date": "2026-11-01"}
    write(tmp_path, "credits", credit | {"amount": "10.00"})
    dispute = {"id": "D1", "invoice": "I2", "reason": "quality"}
    write(tmp_path, "disputes", dispute | {"state": "open"})
    await run(conn, tmp_path)
    assert await happened(conn) == [("K1", "credit", "M1"), ("K2", "dispute_opened", "D1")]
    assert await outbox(conn) == {"K1": "withdrawn", "K2": "withdrawn"}

    write(tmp_path, "disputes", dispute | {"state": "resolved_for_us"})
    await run(conn, tmp_path)
    assert (await happened(conn))[2:] == [("K2", "dispute_closed", "D1")]


async def test_a_dispute_column_opens_and_ends_a_dispute_without_a_date(
    conn: Connection, tmp_path: Path, queued: dict[str, int]
) -> None:
    for text, state, kinds in (
        ("yes", "open", ["dispute_opened"]),
        ("no", "withdrawn", ["dispute_opened", "dispute_closed"]),
    ):
        write(tmp_path, "invoices", invoice("I1", disputed=text), invoice("I2", customer_id="K2"))
        await run(conn, tmp_path)
        row = await (await conn.execute("SELECT state, opened_at, source FROM dispute")).fetchone()
        assert row == (state, None, "ledger")
        assert [kind for _, kind, _ in await happened(conn)] == kinds


async def test_a_balance_that_moved_without_a_payment_is_an_event_too(
    conn: Connection, tmp_path: Path, queued: dict[str, int]
) -> None:
    """A queued message would state the old figure."""
    write(tmp_path, "invoices", invoice("I1", balance="55.00"), invoice("I2", customer_id="K2"))
    await run(conn, tmp_path)
    assert await happened(conn) == [("K1", "balance_changed", "I1")]
    assert (await outbox(conn))["K1"] == "withdrawn"


async def test_what_happens_again_after_it_was_handled_is_a_new_event(
    conn: Connection, tmp_path: Path, queued: dict[str, int]
) -> None:
    ids = []
    for balance in ("55.00", "44.00"):
        write(tmp_path, "invoices", invoice("I1", balance=balance), invoice("I2", customer_id="K2"))
        await run(conn, tmp_path)
        rows = await conn.execute("SELECT id FROM ledger_event WHERE handled_at IS NULL")
        ids += [row[0] for row in await rows.fetchall()]
        await conn.execute("UPDATE ledger_event SET handled_at = %s", [NOW])
    assert len(set(ids)) == 2
