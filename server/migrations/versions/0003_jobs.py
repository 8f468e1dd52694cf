"""The queue: procrastinate's schema as its package brings it, and what the cycle has left to do."""

from procrastinate.schema import SchemaManager

from server.migrations import run_sql, run_text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Forwards only: a step back is a new revision."""
    run_text(SchemaManager.get_schema())
    run_sql("0003_jobs.sql")
