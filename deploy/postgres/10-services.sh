#!/bin/sh
# First start of PostgreSQL: a role and a schema for each service, with no right in another's.
# The official image runs this once, on an empty data folder; passwords come from its environment.
set -eu
for service in intake routing notifier metrics; do
  password=$(eval "printf %s \"\$$(printf %s "$service" | tr '[:lower:]' '[:upper:]')_DB_PASSWORD\"")
  psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
    --set service="$service" --set password="$password" <<'SQL'
CREATE ROLE :"service" LOGIN PASSWORD :'password';
CREATE SCHEMA :"service" AUTHORIZATION :"service";
ALTER ROLE :"service" SET search_path = :"service";
REVOKE ALL ON SCHEMA public FROM :"service";
SQL
done
psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  --command 'REVOKE ALL ON SCHEMA public FROM PUBLIC; REVOKE CREATE, TEMPORARY ON DATABASE tanggap FROM PUBLIC;'
