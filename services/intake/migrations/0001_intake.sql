-- migrate:up

-- Keys of upstream apps. Only the SHA-256 of a key is kept; `prefix` is the part of it that may be shown.
CREATE TABLE keys (
    prefix text PRIMARY KEY,
    app text NOT NULL,
    hash bytea NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);

-- Report numbers count from one each day: a complaint's count is the sequence's value less the base of its day.
CREATE SEQUENCE numbers;

CREATE TABLE days (
    day date PRIMARY KEY,
    base bigint NOT NULL
);

-- What the citizen said, never changed after it was accepted.
CREATE TABLE complaints (
    id uuid PRIMARY KEY,
    number text NOT NULL UNIQUE,
    app text NOT NULL,
    client_request_id text NOT NULL,
    request_hash bytea NOT NULL,
    source text,
    category text,
    description text NOT NULL,
    lat double precision,
    lon double precision,
    address text,
    media text[] NOT NULL,
    reported_at timestamptz,
    received_at timestamptz NOT NULL,
    UNIQUE (app, client_request_id),
    CHECK ((lat IS NULL) = (lon IS NULL))
);

-- The reporter's contact, sealed with a key of its own. Deleting that key's row erases the person, in every old backup of this
-- table too. `contact` is null once erased; the row stays to say that there was one.
CREATE TABLE reporters (
    complaint_id uuid PRIMARY KEY,
    contact bytea,
    erased_at timestamptz,
    CHECK ((contact IS NULL) = (erased_at IS NOT NULL))
);

CREATE TABLE reporter_keys (
    complaint_id uuid PRIMARY KEY,
    wrapped_key bytea NOT NULL,
    wrapped_by text NOT NULL
);

-- The read model: each complaint folded from the log. `revision` counts the events in `state`, so the larger is the later.
-- fillfactor: each complaint's row is written anew some ten times; room on its page keeps those updates off the index.
CREATE TABLE states (
    complaint_id uuid PRIMARY KEY,
    revision integer NOT NULL,
    stage text NOT NULL,
    updated_at timestamptz NOT NULL,
    state text NOT NULL
) WITH (fillfactor = 70);

-- What happened to a complaint, as the public may read it: offices, not persons.
CREATE TABLE history (
    complaint_id uuid NOT NULL,
    event_id uuid NOT NULL,
    revision integer NOT NULL,
    at timestamptz NOT NULL,
    type text NOT NULL,
    stage text NOT NULL,
    unit_code text,
    unit_name text,
    role text,
    note text,
    PRIMARY KEY (complaint_id, event_id)
);

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
    PERFORM pg_notify('intake_outbox', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER outbox_notify AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION outbox_notify();

-- migrate:down

DROP TABLE outbox;
DROP FUNCTION outbox_notify();
DROP TABLE history;
DROP TABLE states;
DROP TABLE reporter_keys;
DROP TABLE reporters;
DROP TABLE complaints;
DROP TABLE days;
DROP SEQUENCE numbers;
DROP TABLE keys;
