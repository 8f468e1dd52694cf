"""Anchors of the log."""

from server.migrations import run_sql

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Forwards only: a step back is a new revision."""
    run_sql("0014_audit.sql")
