"""One customer with two invoices on Postgres: where arrangements are made as an episode makes them, and rolled back."""

import asyncio
from datetime import date, timedelta
from typing import Any, LiteralString

from psycopg import AsyncConnection, AsyncCursor

from tests.world import NOW, TODAY
from tools.spec import Permit

ZONE = "America/Chicago"


class Books:
    """The real thing: one customer on Postgres, as the role that sees one customer, in a transaction that is rolled back."""

    def __init__(self, conninfo: str, totals: dict[str, int]) -> None:
        self.loop = asyncio.new_event_loop()
        self.conn = self.do(AsyncConnection.connect(conninfo, autocommit=True))
        self.do(self._open(totals))
        self.decisions = 0

    def do(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    async def _open(self, totals: dict[str, int]) -> None:
        await self.conn.execute("BEGIN")
        await self.conn.execute("SET CONSTRAINTS ALL IMMEDIATE")
        await self.conn.execute(
            "INSERT INTO customer (id, ext_system, ext_id, ext_fetched_at, raw_hash, name, currency) "
            "VALUES ('c', 'csv', 'c', %s, '', 'Quillfeather Bakery', 'USD')", [NOW],
        )  # fmt: skip
        for invoice, minor in totals.items():
            await self.conn.execute(
                """INSERT INTO invoice (id, ext_system, ext_id, ext_fetched_at, raw_hash, customer_id, number, issue_date,
                                        due_date, currency, total_minor, balance_minor, ledger_state)
                   VALUES (%s, 'csv', %s, %s, '', 'c', %s, %s, %s, 'USD', %s, %s, 'open')""",
                [invoice, invoice, NOW, invoice, TODAY - timedelta(days=60), TODAY - timedelta(days=30), minor, minor],
            )  # fmt: skip
        await self.conn.execute("INSERT INTO policy_version VALUES ('p', '', %s)", [NOW])
        await self.conn.execute(
            """INSERT INTO episode (id, customer_id, turn_key, trigger, model_id, prompt_version, policy_version,
                                    graph_version, outcome, started_at, committed_at)
               VALUES ('e', 'c', 'e', '{}', '', '', 'p', '1', 'settled', %s, %s)""", [NOW, NOW],
        )  # fmt: skip

    def permit(self) -> Permit:
        self.decisions += 1
        [row] = self.rows(
            """INSERT INTO decision (customer_id, episode_id, position, tool, digest, actor, verdict, reasons,
                                     policy_version, facts, facts_digest, at)
               VALUES ('c', 'e', %s, '', '', 'agent', 'allow', '[]', 'p', '{}', '', %s) RETURNING id""",
            self.decisions, NOW,
        )  # fmt: skip
        return Permit(row[0], "e", "c", "")

    def rows(self, query: LiteralString, *params: Any) -> list[Any]:
        async def fetch() -> list[Any]:
            cursor: AsyncCursor[Any] = await self.conn.execute(query, params)
            return await cursor.fetchall()

        rows: list[Any] = self.do(fetch())
        return rows

    def narrowed(self, work: Any) -> Any:
        """Do it as an episode does: as the role that sees one customer."""

        async def both() -> Any:
            await self.conn.execute(
                "SELECT set_config('role', 'dunwell_agent', true), set_config('app.customer_id', 'c', true)"
            )
            await self.conn.execute("SET CONSTRAINTS ALL DEFERRED")
            done = await work
            await self.conn.execute("SET CONSTRAINTS ALL IMMEDIATE")
            await self.conn.execute("SELECT set_config('role', 'none', true)")
            return done

        return self.do(both())

    def pay(self, invoice: str, minor: int, on: date, method: str, number: int) -> None:
        async def apply() -> None:
            await self.conn.execute("SET CONSTRAINTS ALL DEFERRED")
            await self.conn.execute(
                """INSERT INTO payment (id, ext_system, ext_id, ext_fetched_at, raw_hash, customer_id, paid_on, amount_minor,
                                        currency, status, method) VALUES (%s, 'csv', %s, %s, '', 'c', %s, %s, 'USD', 'succeeded', %s)""",
                [f"p{number:04}", f"p{number:04}", NOW, on, minor, method],
            )  # fmt: skip
            await self.conn.execute(
                "INSERT INTO allocation (id, customer_id, payment_id, invoice_id, amount_minor, applied_on) VALUES (%s, 'c', %s, %s, %s, %s)",
                [f"a{number}", f"p{number:04}", invoice, minor, on],
            )  # fmt: skip
            await self.conn.execute(
                """UPDATE invoice SET paid_minor = paid_minor + %s, balance_minor = balance_minor - %s,
                          ledger_state = CASE WHEN balance_minor = %s THEN 'paid' ELSE 'partially_paid' END WHERE id = %s""",
                [minor, minor, minor, invoice],
            )  # fmt: skip
            await self.conn.execute("SET CONSTRAINTS ALL IMMEDIATE")

        self.do(apply())

    def close(self) -> None:
        self.do(self.conn.execute("ROLLBACK"))
        self.do(self.conn.close())
        self.loop.close()
