"""Backup and restore of the embedded database: whole, while everything goes on, and nothing leaves twice because of it."""

import asyncio
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from server import db, migrations
from server.backup import back_up, restore
from server.embedded import dump, ensure_running, stop
from server.sender import Reconciled, dispatch_due
from server.settings import Settings
from tests.server.providers import Provider
from tests.server.test_fates import later, queued, states
from tests.world import NOW, World, note, open_beside, proposing
from tools.channels.base import everywhere
from tools.clock import FrozenClock
from tools.errors import Conflict, Invalid, Misconfigured, Unavailable

ROOT = Path(__file__).parents[2]


@pytest.fixture
def settings(tmp_path: Path, make_data_dir: Callable[[Path], None]) -> Iterator[Settings]:
    """An installation whose embedded database is the test's own."""
    found = Settings(data_dir=tmp_path / "data", clock=NOW)
    make_data_dir(found.data_dir)
    yield found
    for name in ("data", "fresh"):
        stop(tmp_path / name)


@pytest.fixture
def database(settings: Settings) -> str:
    """The world is in that database."""
    return ensure_running(settings.data_dir).app_conninfo()


def elsewhere(settings: Settings) -> Settings:
    """A fresh folder."""
    return settings.model_copy(update={"data_dir": settings.data_dir.with_name("fresh")})


def counts(settings: Settings) -> dict[str, int]:
    """The rows of every table."""
    with psycopg.connect(ensure_running(settings.data_dir).app_conninfo(), autocommit=True) as conn:
        tables = [t for (t,) in conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        return {t: conn.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in tables}  # type: ignore[index]  # names of our own tables


def names(folder: Path) -> set[str]:
    """What is in a folder."""
    return {path.name for path in folder.iterdir()}


def dunwell(settings: Settings, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """A command on that installation."""
    given = {"DUNWELL_DATA_DIR": str(settings.data_dir), "DUNWELL_CLOCK": NOW.isoformat(), **more}
    return subprocess.run(
        [sys.executable, "-m", "server.cli", *words], cwd=ROOT, env={**os.environ, **given}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip


async def test_a_backup_restored_into_a_fresh_folder_has_every_row_and_an_audit_trail_that_holds(
    settings: Settings, world: World, tmp_path: Path
) -> None:
    world.customer()
    await world.engine(proposing(note())).run(await world.hears())
    file, fresh = tmp_path / "monday.dump", elsewhere(settings)

    made = dunwell(settings, "backup", str(file), "--json")
    assert json.loads(made.stdout) == {"file": str(file), "bytes": file.stat().st_size}, made.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    back = dunwell(fresh, "restore", str(file), "--json")

    assert json.loads(back.stdout) == {
        "schema": migrations.head(), "customers": 1, "messages": 1, "unknown_sends": 0,
    }, back.stderr  # fmt: skip
    assert counts(fresh) == counts(settings)
    verified = json.loads(dunwell(fresh, "audit", "verify", "--json").stdout)
    assert verified["verified"]
    assert verified["entries"] == world.count("activity_log") > 0
    async with db.connect(ensure_running(fresh.data_dir).app_conninfo()) as conn:
        assert await db.is_current(conn)


async def test_a_backup_is_of_one_instant_while_everything_goes_on(
    settings: Settings, world: World, tmp_path: Path
) -> None:
    world.customer()
    file, fresh = tmp_path / "busy.dump", elsewhere(settings)
    backing_up = asyncio.create_task(back_up(settings, file))
    while not backing_up.done():
        await world.engine(proposing(note())).run(await world.hears())
    await backing_up
    await restore(fresh, file)

    found = counts(fresh)
    assert found["episode"] == found["fence"] <= world.count("episode")
    assert found["activity_log"] >= found["episode"]
    with open_beside(ensure_running(fresh.data_dir).app_conninfo()) as beside:
        async with db.open_pool(
            ensure_running(fresh.data_dir).app_conninfo(), min_size=1, max_size=2
        ) as pool:
            assert await World(world.conninfo, pool, FrozenClock(NOW), beside).chain_holds()


async def test_what_was_queued_leaves_once_although_it_left_after_the_backup(
    settings: Settings, world: World, tmp_path: Path
) -> None:
    """And a message that never left does; the numbers of new ones are none that the provider knows."""
    engine, provider = await queued(world, "k1", "k2"), Provider()
    provider.loses = lambda sent: sent.key != "1"
    await back_up(settings, tmp_path / "before.dump")
    await dispatch_due(engine, everywhere(provider), limit=1)
    fresh = elsewhere(settings)
    restored = await restore(fresh, tmp_path / "before.dump")
    assert restored.unknown_sends == 2
    verified = json.loads(dunwell(fresh, "audit", "verify", "--json").stdout)
    assert verified["verified"]
    with psycopg.connect(ensure_running(fresh.data_dir).app_conninfo(), autocommit=True) as conn:
        told = conn.execute(
            "SELECT customer_id FROM activity_log WHERE action = 'message.unknown' ORDER BY 1"
        )
        assert told.fetchall() == [("k1",), ("k2",)]

    provider.loses = lambda _: False
    conninfo = ensure_running(fresh.data_dir).app_conninfo()
    async with db.open_pool(conninfo, min_size=1, max_size=4) as pool:
        with open_beside(conninfo) as beside:
            again = World(conninfo, pool, FrozenClock(NOW), beside)
            engine = again.engine(proposing())
            assert await later(again, engine, provider, minutes=1) == Reconciled(found=1, queued=1)
            await dispatch_due(engine, everywhere(provider))
            assert states(again) == ["sent", "sent"]
            await queued(again, "k3")
            assert again.sql("SELECT max(id) FROM outbox")[0] > 100_000_000
    assert sorted(sent.key for sent in provider.taken) == ["1", "2"]


async def test_a_database_that_holds_something_is_replaced_only_when_told_and_only_while_nobody_uses_it(
    settings: Settings, world: World, tmp_path: Path
) -> None:
    world.customer()
    file = tmp_path / "one.dump"
    await back_up(settings, file)
    world.customer("later")
    before = counts(settings)

    with pytest.raises(Conflict, match=r"is not empty; --replace drops it"):
        await restore(settings, file)
    with pytest.raises(Conflict, match=r"is in use; stop the server and the workers, then restore again\.$"):
        await restore(settings, file, replace=True)
    assert counts(settings) == before

    await world.pool.close()
    world.beside.close()
    assert (await restore(settings, file, replace=True)).customers == 1
    assert counts(settings)["customer"] == 1
    with psycopg.connect(ensure_running(settings.data_dir).admin_conninfo(), autocommit=True) as admin:
        assert admin.execute("SELECT datname FROM pg_database WHERE datname LIKE 'dunwell%'").fetchall() == [
            ("dunwell",)
        ]


async def test_what_is_no_backup_is_refused_in_one_sentence_and_changes_nothing(
    settings: Settings, world: World, tmp_path: Path
) -> None:
    world.customer()
    whole, newer, half = tmp_path / "whole.dump", tmp_path / "newer.dump", tmp_path / "half.dump"
    await back_up(settings, whole)
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size * 3 // 4])
    (tmp_path / "text.dump").write_text("no backup")
    world.sql("UPDATE alembic_version SET version_num = '9999'")
    await back_up(settings, newer)
    world.sql("UPDATE alembic_version SET version_num = %s", migrations.head())
    before = counts(settings)

    for file, says in {
        newer: r"has schema 9999, and this version knows \d+; upgrade Dunwell first\.$",
        half: r"half\.dump cannot be (read as a backup|restored): .*\.$",
        tmp_path / "text.dump": r"text\.dump cannot be read as a backup: .*\.$",
        tmp_path
        / "missing.dump": r"missing\.dump cannot be read as a backup: .*No such file or directory\.$",
    }.items():
        with pytest.raises(Invalid, match=says) as refused:
            await restore(settings, file, replace=True)
        assert "\n" not in str(refused.value)
    assert counts(settings) == before


async def test_a_backup_that_cannot_be_written_says_so_and_leaves_nothing_behind(
    settings: Settings, tmp_path: Path
) -> None:
    kept = tmp_path / "there.dump"
    kept.write_text("yesterday's")
    with pytest.raises(Conflict, match=r"exists; a backup does not replace another one\.$"):
        await back_up(settings, kept)
    with pytest.raises(Invalid, match=r"cannot be written: No such file or directory\.$"):
        await back_up(settings, tmp_path / "no" / "such" / "folder.dump")
    with pytest.raises(Unavailable, match=r'could not be made: .*database "nowhere" does not exist\.$'):
        dump.dump(ensure_running(settings.data_dir), "nowhere", tmp_path / "never.dump")

    assert kept.read_text() == "yesterday's"
    assert names(tmp_path) == {"there.dump", "data"}


async def test_after_a_restore_by_a_servers_own_tools_nothing_leaves_unasked_either(
    settings: Settings, world: World
) -> None:
    await queued(world, "k1", "k2")
    theirs = {"DUNWELL_DATABASE_URL": world.conninfo}
    told = json.loads(dunwell(settings, "restored", "--json", **theirs).stdout)

    assert (told["customers"], told["unknown_sends"]) == (2, 2)
    assert states(world) == ["unknown", "unknown"]
    assert world.count("activity_log", "action = 'message.unknown'") == 2
    assert world.sql("SELECT nextval(pg_get_serial_sequence('outbox', 'id'))")[0] > 100_000_000
    assert await world.chain_holds()


def test_a_server_of_ones_own_is_left_to_its_own_tools(tmp_path: Path) -> None:
    theirs: Any = Settings(database_url="postgresql://dunwell@db.example.com/dunwell")  # type: ignore[arg-type]  # pydantic makes it secret
    for work in (back_up(theirs, tmp_path / "x"), restore(theirs, tmp_path / "x")):
        with pytest.raises(
            Misconfigured, match=r"a server of your own, which its own tools .* pg_(dump|restore);"
        ):
            asyncio.run(work)
