"""A customer's file: all that is held on them and nothing of anybody else; after an erasure, nothing that says who they are."""

import json
import os
import re
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from server.audit import audit
from server.conversation import hear
from server.customer_file import CustomerFile, file_for, read_file, write_file
from server.erasure import erase_customer
from server.inbound import accept
from server.inbox import dismiss
from server.jobs.schedule import Hands, Terms, anchor_the_log, tidy
from tests.server.conftest import Api, problem
from tests.server.test_erasure import SECRETS, _known
from tests.world import World, message, note, proposing
from tools.channels.base import everywhere
from tools.channels.local import LocalChannel
from tools.errors import Invalid, NotFound
from tools.memory.arrival import Arrival


async def file_of(world: World, customer: str = "cust-1") -> CustomerFile:
    """Their file."""
    return await read_file(world.pool, world.clock, customer, by="ada")


def secrets_in(text: str) -> list[str]:
    """What of the sample's personal data is in a text; four digits may stand in a digest, whoever they belong to."""
    words = re.sub(r"\b[0-9a-f]{12,}\b", "", text.lower())
    return [secret for secret in SECRETS if secret.lower() in words]


async def test_it_holds_every_row_of_theirs_and_none_of_others(world: World) -> None:
    await _known(world)
    world.customer("cust-2", name="Thistlewick Laundry")
    await world.engine(proposing(message())).run(await world.hears("Hello from us.", "cust-2"))

    file = await file_of(world)

    tables = world.sql(
        """SELECT c.table_name FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
            WHERE c.table_schema = 'public' AND c.column_name = 'customer_id' AND t.table_type = 'BASE TABLE'"""
    )
    assert set(file.held) == {"customer", *tables}
    for table in tables:
        assert len(file.held[table]) == world.count(table, "customer_id = 'cust-1'"), table
        assert {row["customer_id"] for row in file.held[table]} <= {"cust-1"}
    text = json.dumps(file.as_json(), ensure_ascii=False)
    assert secrets_in(text) == list(SECRETS)
    assert "Thistlewick" not in text
    assert {"salt", "embedding", "words"}.isdisjoint(file.held["message"][0])
    assert [row["seq"] for row in file.held["activity_log"]] == list(range(1, file.rows["activity_log"] + 1))
    full = ("contact", "invoice", "payment", "message", "decision", "decision_args", "approval", "outbox", "follow_up",
            "standing_fact", "episode", "activity_log")  # fmt: skip
    assert [name for name in full if not file.rows.get(name)] == []
    assert file.held["decision"][0]["reasons"]


async def test_who_took_it_out_is_in_the_log(world: World) -> None:
    world.customer()
    file = await file_of(world)
    assert [(e["actor"], e["source"], e["action"]) for e in file.held["activity_log"]] == [
        ("ada", "Collector", "customer.exported")
    ]
    with pytest.raises(NotFound):
        await file_of(world, "nobody")


async def test_after_an_erasure_it_holds_nothing_personal_and_log_and_anchors_still_verify(
    world: World,
) -> None:
    await _known(world)
    hands = Hands(world.engine(proposing()), Terms())
    await anchor_the_log(hands)
    before = await file_of(world)
    await erase_customer(hands.engine, "cust-1", by="mona")
    await anchor_the_log(hands)

    after = await file_of(world)

    assert secrets_in(json.dumps(after.as_json(), ensure_ascii=False)) == []
    assert after.held["decision"] == before.held["decision"]
    assert after.rows["activity_log"] > before.rows["activity_log"]
    assert (await audit(world.pool)).holds


async def test_retention_leaves_the_same_as_an_erasure_on_request(world: World) -> None:
    for name in ("asked", "aged"):
        world.customer(name)
        await world.engine(proposing(note("Hip surgery."))).run(
            await world.hears("Odalys Brambleworth here.", name)
        )
        world.paid(f"inv-{name}")
    engine = world.engine(proposing())
    await erase_customer(engine, "asked", by="mona")
    world.clock.advance(timedelta(days=3 * 365 + 1))
    await tidy(Hands(engine, Terms()))
    await anchor_the_log(Hands(engine, Terms()))

    files = {name: (await file_of(world, name)).as_json() for name in ("asked", "aged")}

    assert secrets_in(json.dumps(files, ensure_ascii=False)) == []
    held: dict[str, Any] = {
        name: {table: len(rows) for table, rows in of["held"].items() if table != "risk_score"}
        for name, of in files.items()
    }
    assert held["asked"] == held["aged"]
    assert (await audit(world.pool)).holds


async def test_retention_takes_what_somebody_wrote_of_whom_nobody_knows_whether_or_not_it_was_put_away(
    world: World,
) -> None:
    engine = world.engine(proposing())
    for n in (1, 2, 3):
        if n == 3:
            world.clock.advance(timedelta(days=3 * 365 + 1))
        await accept(world.pool, Arrival(
            channel="sms", provider_id=f"SM{n}", address="+13125551001", body="Odalys here.", at=world.clock.now(),
        ))  # fmt: skip
        if n == 1:
            await dismiss(engine, 1, by="mona")

    await tidy(Hands(engine, Terms()))

    assert world.sql("SELECT address, body FROM unmatched_message ORDER BY id") == [
        ("erased", None),
        ("erased", None),  # nobody looked in three years
        ("+13125551001", "Odalys here."),
    ]


async def test_of_what_an_erased_customer_writes_only_that_something_came_is_kept(world: World) -> None:
    world.customer()
    engine = world.engine(proposing(message(), note("Odalys again.")))
    await erase_customer(engine, "cust-1", by="mona")

    await hear(
        engine,
        everywhere(LocalChannel()),
        customer_id="cust-1",
        body="Odalys Brambleworth here. My hip surgery!",
    )

    assert world.sql("SELECT subject, body, salt, embedding FROM message") == [(None, None, None, None)]
    assert world.count("message", "length(body_digest) = 64 AND handled_at IS NOT NULL") == 1
    assert world.count("outbox") == 0
    assert secrets_in(json.dumps((await file_of(world)).held["message"])) == []
    assert (await audit(world.pool)).holds


async def test_the_file_is_for_its_owner_alone_and_takes_no_others_place(
    world: World, tmp_path: Path
) -> None:
    world.customer()
    file, out = await file_of(world), tmp_path / "cust-1.json"
    with file_for(out) as handle:
        write_file(file, handle)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert json.loads(out.read_text("utf-8")) == file.as_json()
    for wrong in (out, tmp_path / "no" / "such.json"):
        with pytest.raises(Invalid, match="cannot be written"), file_for(wrong):
            pytest.fail("there is nothing to write to")
    with pytest.raises(KeyError), file_for(tmp_path / "half.json"):
        raise KeyError
    assert os.listdir(tmp_path) == ["cust-1.json"]  # noqa: PTH208 - pathlib would be taken for slow here


async def test_over_http_it_is_an_admins(api: Api, world: World) -> None:
    world.customer()
    for role in ("viewer", "collector", "manager"):
        assert (
            problem(await api.get("/v1/customers/cust-1/file", role), 403)["type"] == "urn:dunwell:forbidden"
        )
    answer = await api.get("/v1/customers/cust-1/file", "admin")
    assert answer.status_code == 200
    assert answer.json()["held"]["customer"][0]["name"] == "Quillfeather Bakery"
    assert answer.json()["held"]["activity_log"][0]["actor"] == "a admin"
    problem(await api.get("/v1/customers/nobody/file", "admin"), 404)
