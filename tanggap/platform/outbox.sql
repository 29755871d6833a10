-- The outbox, as the first migration of each service makes it in its own schema (replace SCHEMA by the service's name).
-- Events wait here from the transaction that made them until Kafka has acknowledged them; then their rows are deleted.
-- event_id is unique among what still waits only: that effects happen once is the work of natural keys in the service's tables.

CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id uuid NOT NULL UNIQUE,
    subject uuid NOT NULL,
    type text NOT NULL,
    occurred_at timestamptz NOT NULL,
    dataschema text NOT NULL,
    payload text NOT NULL,
    traceparent text
);

CREATE FUNCTION outbox_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('SCHEMA_outbox', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER outbox_notify AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION outbox_notify();
