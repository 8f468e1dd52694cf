"""No table, view or function lets an episode past its customer: read from the database's own catalogs, so that none is missed."""

import psycopg
import pytest

from agent.engine.narrow import one_customer
from tests.world import World

# Readable by every episode, because they hold nothing of anybody.
OF_NOBODY = {
    "alembic_version", "arrangement_move", "autonomy_level", "embedding_model", "policy_version", "portfolio_history",
}  # fmt: skip
# Answers yes or no, and an episode may ask it: whether a contact point is on another customer, too.
ASKS_FOR_US = {"contact_is_shared"}

OPEN = """
WITH relation AS (
    SELECT c.oid, c.relname AS name, c.relkind AS kind, c.relrowsecurity AND c.relforcerowsecurity AS narrowed, c.reloptions,
           CASE WHEN c.relname = 'customer' THEN 'id'
                WHEN EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'customer_id' AND NOT a.attisdropped)
                THEN 'customer_id' END AS owner,
           has_any_column_privilege('dunwell_agent', c.oid, 'SELECT, INSERT, UPDATE, REFERENCES')
           OR has_table_privilege('dunwell_agent', c.oid, 'DELETE, TRUNCATE, TRIGGER') AS reached
      FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
), rule AS (
    SELECT r.name, p.polpermissive AND p.polcmd = '*'
           AND pg_get_expr(p.polqual, p.polrelid) = format('(%%s = current_setting(''app.customer_id''::text))', r.owner)
           AND pg_get_expr(p.polwithcheck, p.polrelid) = pg_get_expr(p.polqual, p.polrelid) AS holds
      FROM relation r JOIN pg_policy p ON p.polrelid = r.oid WHERE p.polroles && ARRAY['dunwell_agent'::regrole::oid, 0::oid]
)
SELECT name || CASE
         WHEN kind IN ('r', 'p') AND owner IS NOT NULL AND NOT narrowed THEN ': row-level security is not enabled and forced'
         WHEN kind IN ('r', 'p') AND owner IS NOT NULL
              AND (SELECT coalesce(array_agg(holds), '{}') FROM rule WHERE rule.name = relation.name) <> '{t}'
              THEN ': not one policy that ties it to the customer'
         WHEN kind = 'v' AND reached AND NOT coalesce('security_invoker=true' = ANY (reloptions), false)
              THEN ': reads with the rights of its owner'
         WHEN kind IN ('m', 'f') AND reached THEN ': has no row-level security'
         WHEN kind IN ('r', 'p') AND owner IS NULL AND reached AND NOT (narrowed OR name = ANY(%s)) THEN ': is not known to hold nothing of anybody'
       END FROM relation
UNION ALL
SELECT p.proname || ': runs with the rights of its owner' FROM pg_proc p
 WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef AND has_function_privilege('dunwell_agent', p.oid, 'EXECUTE')
   AND p.proname <> ALL (%s)
UNION ALL
SELECT rolname || ': is not bound by row-level security' FROM pg_roles
 WHERE (rolsuper OR rolbypassrls OR rolname = 'dunwell') AND pg_has_role('dunwell_agent', oid, 'MEMBER')
"""


def gaps(world: World) -> list[str]:
    """Every way past one customer that the catalogs know of, in a sentence each."""
    return sorted(gap for gap in world.sql(OPEN, sorted(OF_NOBODY), sorted(ASKS_FOR_US)) if gap is not None)


async def test_every_table_with_a_customer_in_it_is_narrowed_and_nothing_leads_around_it(
    world: World,
) -> None:
    assert gaps(world) == []
    assert set(world.sql("SELECT tablename FROM pg_tables")) >= OF_NOBODY


@pytest.mark.parametrize(
    ("careless", "said"),
    [
        (
            "CREATE TABLE careless (customer_id text)",
            "careless: row-level security is not enabled and forced",
        ),
        (
            "ALTER TABLE message NO FORCE ROW LEVEL SECURITY",
            "message: row-level security is not enabled and forced",
        ),
        (
            "ALTER TABLE customer DISABLE ROW LEVEL SECURITY",
            "customer: row-level security is not enabled and forced",
        ),
        ("DROP POLICY one_customer ON hold", "hold: not one policy that ties it to the customer"),
        ("CREATE POLICY more ON hold USING (true)", "hold: not one policy that ties it to the customer"),
        (
            "ALTER POLICY one_customer ON hold USING (customer_id LIKE current_setting('app.customer_id', true))",
            "hold: not one policy that ties it to the customer",
        ),
        (
            "CREATE VIEW careless AS SELECT * FROM message; GRANT SELECT ON careless TO dunwell_agent",
            "careless: reads with the rights of its owner",
        ),
        (
            "CREATE MATERIALIZED VIEW careless AS SELECT * FROM message; GRANT SELECT ON careless TO dunwell_agent",
            "careless: has no row-level security",
        ),
        (
            "CREATE TABLE careless (name text); GRANT SELECT (name) ON careless TO dunwell_agent",
            "careless: is not known to hold nothing of anybody",
        ),
        (
            "CREATE FUNCTION careless() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT body FROM message LIMIT 1'",
            "careless: runs with the rights of its owner",
        ),
    ],
)
async def test_who_forgets_it_hears_of_it(world: World, careless: str, said: str) -> None:
    before = gaps(world)
    with psycopg.connect(world.conninfo, autocommit=True) as owner:
        owner.execute(careless.encode())
    assert gaps(world) == sorted([*before, said])


async def test_a_role_that_nobody_narrowed_is_refused_in_every_table(world: World) -> None:
    world.customer()
    tables = world.sql("SELECT tablename FROM pg_policies WHERE policyname = 'one_customer'")
    assert len(tables) >= 29
    with psycopg.connect(world.conninfo, autocommit=True) as agent:
        agent.execute("SET ROLE dunwell_agent")
        for table in tables:
            with pytest.raises((psycopg.errors.UndefinedObject, psycopg.errors.InsufficientPrivilege)):
                agent.execute(f"SELECT count(*) FROM {table}".encode())
    async with one_customer(world.pool, "cust-1") as conn:
        assert await (await conn.execute("SELECT count(*) FROM customer")).fetchone() == (1,)
