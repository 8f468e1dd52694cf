"""Generated reads of one customer's connection that ask for others': raw SQL over every table, and every read of the product."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle
from typing import Any, LiteralString

from psycopg import sql

from tests.agent.engine.isolation.books import AT, DAY, HOSTILE_IDS, NOBODY, Admin, mark
from tools import sql as blocks

# What may be asked of a table; `owner` is its column with the customer's id.
SHAPES: Mapping[str, LiteralString] = {
    "by id": "SELECT * FROM {table} WHERE {owner} = %(them)s",
    "all": "SELECT * FROM {table}",
    "like": "SELECT * FROM {table} WHERE {owner} LIKE %(them)s OR {owner} LIKE '%%'",
    "pattern": "SELECT * FROM {table} WHERE {owner} ~ ('^' || regexp_replace(%(them)s, '\\W', '.', 'g'))",
    "folded": "SELECT * FROM {table} WHERE lower(trim({owner})) = lower(trim(%(them)s)) OR normalize({owner}, NFKC) = normalize(%(them)s, NFKC)",
    "any of": "SELECT * FROM {table} WHERE {owner} = ANY(%(everybody)s)",
    "not mine": "SELECT * FROM {table} WHERE {owner} <> %(me)s",
    "or true": "SELECT * FROM {table} WHERE {owner} = %(them)s OR '1' = '1'",
    "of customers": "SELECT * FROM {table} WHERE {owner} IN (SELECT id FROM customer)",
    "joined": "SELECT t.*, c.* FROM customer c LEFT JOIN {table} t ON t.{owner} <> %(me)s",
    "beside": "SELECT t.* FROM customer c CROSS JOIN LATERAL (SELECT * FROM {table} o WHERE o.{owner} <> c.id) t",
    "whole row": "SELECT string_agg(t::text, '|') FROM {table} t",
    "as json": "SELECT jsonb_agg(to_jsonb(t)) FROM {table} t",
    "said": "SELECT * FROM {table} t WHERE t::text LIKE '%%' || %(theirs)s || '%%'",
    "newest": "SELECT * FROM {table} ORDER BY {owner} DESC LIMIT 5",
}
# These answer with a row only where there is somebody else's.
NOTHING: Mapping[str, LiteralString] = {
    "extremes": "SELECT min({owner}), max({owner}) FROM {table} HAVING max({owner}) <> %(me)s OR min({owner}) <> %(me)s",
    "counted": "SELECT count(*) FROM {table} WHERE {owner} <> %(me)s HAVING count(*) > 0",
    "exists": "SELECT 1 WHERE EXISTS (SELECT FROM {table} WHERE {owner} = %(them)s AND {owner} <> %(me)s)",
}
# What goes wrong tells what it saw: the row that breaks it may not be another customer's.
ERRORS: Mapping[str, LiteralString] = {
    "cast": "SELECT * FROM {table} t WHERE (t::text)::int > 0",
    "divided": "SELECT * FROM {table} WHERE 1 / (CASE WHEN {owner} = %(me)s THEN 1 ELSE 0 END) = 1",
    "cast of theirs": "SELECT * FROM {table} t WHERE {owner} = %(them)s AND (t::text)::int > 0",
}
PACKAGES = (
    "agent.engine", "agent.approvals", "agent.cycle", "tools.activity", "tools.arrangements", "tools.followups", "tools.ledger", "tools.memory",
    "tools.outbox",
)  # fmt: skip


_LOCK = re.compile(r"FOR (NO KEY )?UPDATE")
_PARAMETER = re.compile(r"%\((\w+)\)s")
_WRITES = re.compile(r"\b(INSERT|UPDATE|DELETE)\b")
_COMMENT = re.compile(r"^--.*$", re.MULTILINE)
# Where a product's read takes a row's id, it is given another customer's.
_ROW_OF = {
    "approval_id": "approval", "episode_id": "episode", "message_id": "message", "outbox_id": "outbox", "plan_id": "payment_plan",
    "promise_id": "promise",
}  # fmt: skip


@dataclass(frozen=True)
class Read:
    """One question: what kind it is and of what, its statement, what it is asked with, and whether any answer is a foreign one."""

    kind: str
    of: str
    query: sql.Composed | LiteralString
    given: Mapping[str, Any]
    nothing: bool = False


@dataclass(frozen=True)
class Customer:
    """Somebody who reads, or whom others want to read."""

    number: int
    id: str
    rows: Mapping[str, Any]  # the id of one of their rows, by table


def product_reads() -> dict[str, LiteralString]:
    """Every named statement of the agent and its tools that reads, by package and name: those of tomorrow included."""
    return {
        f"{package}.{name}": query
        for package in PACKAGES
        for name, query in blocks.load(package).items()
        if not _WRITES.search(_LOCK.sub("", _COMMENT.sub("", query)))
    }


def customers(admin: Admin, owners: Mapping[str, str]) -> list[Customer]:
    """Everybody in the books."""
    rows: list[dict[str, Any]] = [{} for _ in HOSTILE_IDS]
    for table, owner in owners.items():
        identity = admin.execute(_IDENTITY, [table]).fetchone()
        if identity is None:
            continue
        pick = sql.SQL("SELECT {}, min({}) FROM {} GROUP BY 1").format(
            *map(sql.Identifier, (owner, identity[0], table))
        )
        for customer, row in admin.execute(pick).fetchall():
            rows[HOSTILE_IDS.index(customer)][table] = row
    return [Customer(number, identity, rows[number]) for number, identity in enumerate(HOSTILE_IDS)]


_IDENTITY = """
SELECT a.attname FROM pg_attribute a WHERE a.attrelid = to_regclass(%s) AND a.attname = 'id'
"""


class Reads:
    """Makes reads, the same ones for the same seed."""

    def __init__(self, owners: Mapping[str, str], known: Sequence[Customer], seed: int) -> None:
        self._owners, self._known, self._dice = dict(owners), known, random.Random(seed)
        self._product = cycle(product_reads().items())  # in turn: each is asked, however few reads there are
        self._composed: dict[tuple[str, str], sql.Composed] = {}

    def reader(self) -> Customer:
        """Who asks next: one in twenty is nobody, and may see nothing at all."""
        if self._dice.random() < 0.05:
            return Customer(-1, self._dice.choice(NOBODY), {})
        return self._dice.choice(self._known)

    def read(self, me: Customer) -> Read:
        """The next question of this reader."""
        draw, them = self._dice.random(), self._dice.choice([c for c in self._known if c.number != me.number])
        if draw < 0.15:
            return self._of_product(them if draw < 0.1 or me.number < 0 else me)
        shapes = ERRORS if draw < 0.17 else NOTHING if draw < 0.3 else SHAPES
        return self.raw(self._dice.choice(list(shapes)), self._dice.choice(list(self._owners)), me, them)

    def raw(self, shape: str, table: str, me: Customer, them: Customer) -> Read:
        """That question about that table."""
        text = {**SHAPES, **NOTHING, **ERRORS}[shape]
        if (shape, table) not in self._composed:
            owner = sql.Identifier(self._owners[table])
            self._composed[shape, table] = sql.SQL(text).format(table=sql.Identifier(table), owner=owner)
        wanted = them.id if self._dice.random() < 0.8 else self._dice.choice(HOSTILE_IDS)
        given = {"me": me.id, "them": wanted, "theirs": mark(them.number), "everybody": list(HOSTILE_IDS)}
        return Read(shape, table, self._composed[shape, table], given, shape in NOTHING)

    def _of_product(self, them: Customer) -> Read:
        name, query = next(self._product)
        everybody = (
            self._dice.random() < 0.3
        )  # many of these take NULL for everybody, so what is not known here is NULL
        rows = name.startswith(
            ("tools.memory", "tools.activity")
        )  # there, before and after are numbers of rows
        given: dict[str, Any] = {
            **{key: them.rows[table] for key, table in _ROW_OF.items()},
            "customer_id": None if everybody else them.id, "customer_ids": list(HOSTILE_IDS), "ids": [them.rows["message"]],
            "identity": self._dice.choice(list(them.rows.values())), "turn_key": mark(them.number), "digest": mark(them.number),
            "address": mark(them.number), "text": mark(them.number), "like": self._dice.choice(("%", None, f"%{mark(them.number)}%")),
            "provider_id": mark(them.number), "assignee": None, "state": None, "graph_version": "none", "zone": "UTC", "model": "none",
            "model_id": "none", "channel": "sms", "channels": ["sms", "email"], "after": 0 if rows else AT, "offset": 0, "limit": 10_000, "front": 10_000,
            "pool": 10_000, "grace_days": 0, "float_days": 0, "without": [], "dictionary": "english_stem", "embedding": "[1,0]",
            "before": 10**9 if rows else AT, "upto": None, "since": None, "now": AT + timedelta(days=40), "latest": AT, "given_up": AT, "today": DAY + timedelta(days=40),
            "day": DAY, "first_day": DAY, "version": "none", "kind": None,
        }  # fmt: skip
        return Read(name, "product", query, {key: given.get(key) for key in _PARAMETER.findall(query)})
