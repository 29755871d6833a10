-- migrate:up

-- Every decision that was made, for good: who asks later why a complaint came to a unit reads it here. `cause`: the event that
-- asked for a decision. The body is the event's, as it stands on the log: it has no reporter in it, nor the complaint's text.
CREATE TABLE decisions (
    complaint_id uuid NOT NULL,
    cause uuid NOT NULL,
    event_id uuid NOT NULL,
    type text NOT NULL,
    decided_at timestamptz NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (complaint_id, cause)
);

-- Events wait here from the transaction that made them until Kafka has acknowledged them; then their rows are deleted.
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
    PERFORM pg_notify('routing_outbox', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER outbox_notify AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION outbox_notify();

-- migrate:down

DROP TABLE outbox;
DROP FUNCTION outbox_notify();
DROP TABLE decisions;
