-- Prepare a Postgres server (16 or newer, with pgvector) for Dunwell. Once per server, as a superuser:
--
--     psql --set ON_ERROR_STOP=1 --file server/migrations/setup.sql [--set database=NAME]
--
-- then give the login a password (\password dunwell) and set DUNWELL_DATABASE_URL to
-- postgresql://dunwell:...@HOST/NAME. The embedded server is prepared with this same file.
-- Running it again changes nothing.

\if :{?database}
\else
  \set database dunwell
\endif

-- Two processes may prepare two databases of one server at once; roles belong to the server.
SELECT pg_advisory_lock(5183001);

-- The login. It owns the tables, and inherits nothing: what the agent may do, it does by SET ROLE.
SELECT 'CREATE ROLE dunwell LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS'
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dunwell') \gexec

-- What an episode is narrowed to: one customer's rows, by row-level security.
SELECT 'CREATE ROLE dunwell_agent NOLOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS'
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dunwell_agent') \gexec

GRANT dunwell_agent TO dunwell WITH SET TRUE, INHERIT FALSE;

SELECT format('CREATE DATABASE %I OWNER dunwell ENCODING ''UTF8'' TEMPLATE template0', :'database')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec

SELECT pg_advisory_unlock(5183001);

\connect :"database"

CREATE EXTENSION IF NOT EXISTS vector;
-- Nobody else makes anything here, and the agent role sees only what it is granted.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO dunwell;
GRANT USAGE ON SCHEMA public TO dunwell_agent;
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', :'database') \gexec

-- Last, so that its presence says that everything above is done.
SELECT format('COMMENT ON DATABASE %I IS %L', :'database', 'Prepared by Dunwell''s setup.sql') \gexec
