"""The schema's history: Alembic revisions that run raw SQL, applied by `server.db.migrate`."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import psycopg

if TYPE_CHECKING:
    from alembic.config import Config

# Alembic and SQLAlchemy take half a second to import; a process that finds its schema current needs neither.
# ruff: noqa: PLC0415
_HERE = Path(__file__).parent


def upgrade(conninfo: str) -> None:
    """Apply every revision that is missing, all in one transaction. The caller holds the migration lock."""
    from alembic import command
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(conninfo), poolclass=NullPool
    )
    with engine.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def head() -> str | None:
    """The newest revision that this code knows: revisions are files named by their number."""
    return max((path.name.partition("_")[0] for path in (_HERE / "versions").glob("[0-9]*.py")), default=None)


def run_sql(name: str) -> None:
    """Run `versions/<name>` as it stands, in the revision's transaction."""
    run_text((_HERE / "versions" / name).read_text("utf-8"))


def run_text(text: str) -> None:
    """Run these statements as they stand, in the revision's transaction."""
    # Past SQLAlchemy, which would take `:name` and `%` in the text for parameters.
    from alembic import op

    raw = cast("psycopg.Connection[tuple[object, ...]]", op.get_bind().connection.driver_connection)
    raw.execute(text)


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
