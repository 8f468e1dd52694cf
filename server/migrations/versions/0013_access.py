"""Who may come in: passwords, sessions, keys."""

from server.migrations import run_sql

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Forwards only: a step back is a new revision."""
    run_sql("0013_access.sql")
