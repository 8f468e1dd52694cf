"""A scenario's ledger in a database, put there and taken away: each is played on a database that holds nothing else."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, LiteralString

import psycopg
from psycopg import ClientCursor
from psycopg import sql as psql
from psycopg.types.json import Jsonb

from evals.bench.people import COMPANY
from evals.bench.place import Place
from evals.scenarios.scenario import Scenario
from tools import sql
from tools.money import Money

_SQL = sql.load("evals.scenarios")
# A number's area code is one of the places where its owner may be: it has to agree with the scenario's time zone.
_AREA = {
    "America/New_York": 212, "America/Detroit": 313, "America/Chicago": 312, "America/Denver": 303,
    "America/Phoenix": 602, "America/Los_Angeles": 213, "America/Anchorage": 907, "Pacific/Honolulu": 808,
}  # fmt: skip
# Settled invoices, and how many of them were late: what makes each tier (tools/risk/score.py).
_PAID_BEFORE: Mapping[str, tuple[int, int]] = {"low": (10, 0), "medium": (10, 4), "high": (10, 10), "unscored": (0, 0)}  # fmt: skip

_STAYS = {"alembic_version", "checkpoint_migrations", "arrangement_move"}  # what the migrations put there


class Stage:
    """One database, with one scenario at a time in it."""

    def __init__(self, place: Place) -> None:
        self._conn = psycopg.connect(place.server.admin_conninfo(place.database), autocommit=True)
        self._write = ClientCursor(self._conn)
        tables = self._names("SELECT relname FROM pg_stat_user_tables WHERE schemaname = 'public'")
        counters = self._names("SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'")
        # Append-only tables, too; and every counter begins anew, so that a scenario is the same whatever came before it.
        self._empty = psql.SQL(
            "SET session_replication_role = replica;{}SET session_replication_role = origin"
        ).format(
            psql.SQL("").join(
                [
                    psql.SQL("DELETE FROM {};").format(psql.Identifier(name))
                    for name in tables
                    if name not in _STAYS
                ]
                + [psql.SQL("ALTER SEQUENCE {} RESTART;").format(psql.Identifier(name)) for name in counters]
            )
        )

    def _names(self, query: LiteralString) -> list[str]:
        return [name for (name,) in self._conn.execute(query)]

    def close(self) -> None:
        """Give the connection back."""
        self._conn.close()

    def clear(self) -> None:
        """Take everything away, append-only or not."""
        self._write.execute(self._empty)

    def put(self, scenario: Scenario) -> None:
        """Put the scenario's customer, ledger and history into the empty database."""
        customer = scenario.customer
        settled, late = _PAID_BEFORE[customer.tier]
        given = {
            "id": scenario.id,
            "now": scenario.now,
            "today": scenario.now.astimezone(COMPANY.zone).date(),
            "settled": settled,
            "late": late,
            "customer": Jsonb({"id": scenario.id, **customer.model_dump(exclude={"contacts"})}),
            "contacts": Jsonb(
                [c.model_dump() | {"address": address_of(scenario, c.channel)} for c in customer.contacts]
            ),
            "invoices": Jsonb(
                [
                    {
                        "number": i.number, "due": i.due.isoformat(), "about": i.about, "disputed": i.disputed,
                        "minor": Money.of(i.amount, "USD").minor, "paid": Money.of(i.paid, "USD").minor,
                    }
                    for i in scenario.invoices
                ]
            ),
            "history": Jsonb([{"n": n, **h.model_dump(mode="json")} for n, h in enumerate(scenario.history)]),
        }  # fmt: skip
        with self._conn.transaction():
            self._write.execute(_SQL["stage"], given)
            self._write.execute(_SQL["before"], given)

    def pays(self, turn: int, invoice: str, amount: str | None, now: datetime) -> None:
        """The ledger shows a payment."""
        minor = Money.of(amount, "USD").minor if amount else None
        given = {
            "payment": f"paid-{turn}", "invoice": invoice, "minor": minor, "now": now,
            "today": now.astimezone(COMPANY.zone).date(),
        }  # fmt: skip
        with self._conn.transaction():
            self._write.execute(_SQL["pays"], given)

    def read_again(self, now: datetime) -> None:
        """The source ledger was read just now."""
        self._write.execute(_SQL["read_again"], {"now": now})

    def rows(self, block: str) -> list[tuple[Any, ...]]:
        """The rows of one of this package's queries."""
        return self._write.execute(_SQL[block], {"zone": COMPANY.zone.key}).fetchall()

    def without_permit(self) -> int:
        """Effects that no allowing decision stands behind."""
        query = sql.load("evals.injection")["without_permit"]
        return len(self._write.execute(query).fetchall())


def address_of(scenario: Scenario, channel: str) -> str:
    """The customer's address on a channel, the same whoever plays the scenario."""
    if channel == "email":
        return f"billing@{scenario.id}.example"
    return f"+1{_AREA.get(scenario.customer.time_zone, 312)}5550142"
