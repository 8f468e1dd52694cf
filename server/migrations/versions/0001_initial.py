"""The first schema: ledger, conversation, decisions, approvals, outbox, activity log."""

from server.migrations import run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Forwards only: a step back is a new revision."""
    run_sql("0001_initial.sql")
