"""Approvals asked of a role, and the evidence for autonomy."""

from server.migrations import run_sql

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Forwards only: a step back is a new revision."""
    run_sql("0012_approvals.sql")
