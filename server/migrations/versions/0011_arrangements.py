"""Arrangements: no step but those of their tables, and what was paid towards each."""

from server.migrations import run_sql

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Forwards only: a step back is a new revision."""
    run_sql("0011_arrangements.sql")
