#!/bin/sh
# Give the login that setup.sql made its password, DUNWELL_DB_PASSWORD. As a superuser; PG* variables say where.
set -eu
: "${DUNWELL_DB_PASSWORD:?}"
export PGUSER="${POSTGRES_USER:-${PGUSER:-postgres}}"
# On stdin, so that the password stands in no process list.
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --dbname=postgres <<'SQL'
\getenv password DUNWELL_DB_PASSWORD
ALTER ROLE dunwell PASSWORD :'password';
SQL
