"""The schema's history: Alembic revisions that run raw SQL, applied by `server.db.migrate`."""

from pathlib import Path
from typing import cast

import psycopg
from alembic import command, op
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

_HERE = Path(__file__).parent


def upgrade(conninfo: str) -> None:
    """Apply every revision that is missing, all in one transaction. The caller holds the migration lock."""
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(conninfo), poolclass=NullPool
    )
    with engine.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def head() -> str | None:
    """The newest revision that this code knows."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def run_sql(name: str) -> None:
    """Run `versions/<name>` as it stands, in the revision's transaction."""
    # Past SQLAlchemy, which would take `:name` and `%` in the text for parameters.
    raw = cast("psycopg.Connection[tuple[object, ...]]", op.get_bind().connection.driver_connection)
    text = (_HERE / "versions" / name).read_text("utf-8")
    raw.execute(text)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
