"""${message}."""

from server.migrations import run_sql

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Forwards only: a step back is a new revision."""
    run_sql("${up_revision}_${message.lower().replace(" ", "_")}.sql")
