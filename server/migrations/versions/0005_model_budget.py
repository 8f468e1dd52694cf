"""The day's budget of model tokens."""

from server.migrations import run_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Forwards only: a step back is a new revision."""
    run_sql("0005_model_budget.sql")
