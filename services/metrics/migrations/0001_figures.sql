-- migrate:up

-- What the figures are counted from: one narrow row a complaint, so that counting a hundred thousand of them reads 20 MB.
-- Neither text nor reporter: the figures need neither.
-- Codes compare by bytes ("C"): they are grouped and sorted, never read in a language's order.
CREATE TABLE complaints (
    complaint_id      uuid        PRIMARY KEY,
    partition         integer     NOT NULL,
    number            text        NOT NULL,
    status            text        NOT NULL COLLATE "C",
    stage             text        NOT NULL COLLATE "C",
    unit_code         text        COLLATE "C",
    unit_name         text,
    kota              text        COLLATE "C",
    category          text        COLLATE "C",
    received_at       timestamptz NOT NULL,
    assigned_at       timestamptz,
    first_response_at timestamptz,
    closed_at         timestamptz,
    outcome           text        NOT NULL COLLATE "C" CHECK (outcome IN ('open', 'resolved', 'rejected', 'merged')),
    -- The moment from which the complaint is overdue if nothing happens, and the clock that says so; null: no clock can run out.
    overdue_from      timestamptz,
    overdue_clock     text        COLLATE "C",
    breaches          integer     NOT NULL
) WITH (fillfactor = 80);

CREATE INDEX complaints_received ON complaints (received_at);
CREATE INDEX complaints_overdue ON complaints (overdue_from) WHERE outcome = 'open' AND overdue_from IS NOT NULL;

-- The folded life of each complaint, apart from the figures: it changes with every event (nearly always in place, for no index
-- stands on it) and is read by id alone. `version` counts the writes: of two readers of one partition (one that a rebalance has
-- overtaken) only the one that folded the newest state can save.
CREATE TABLE states (
    complaint_id uuid    PRIMARY KEY,
    version      integer NOT NULL,
    state        text    NOT NULL
) WITH (fillfactor = 70);

-- Moments at which a clock warns or runs out. A row lives while its clock runs; `fired_at` marks the one firing.
CREATE TABLE deadlines (
    complaint_id uuid        NOT NULL,
    clock        text        NOT NULL COLLATE "C",
    kind         text        NOT NULL COLLATE "C" CHECK (kind IN ('warn', 'breach')),
    partition    integer     NOT NULL,
    due_at       timestamptz NOT NULL,
    fired_at     timestamptz,
    PRIMARY KEY (complaint_id, clock, kind)
) WITH (fillfactor = 80);

CREATE INDEX deadlines_live ON deadlines (partition, due_at) WHERE fired_at IS NULL;

-- How far the log is folded. `position`: the offset after the last record in the tables above, written with them.
-- `watermark`: all records up to this moment are in them.
CREATE TABLE partitions (
    partition integer     PRIMARY KEY,
    position  bigint      NOT NULL DEFAULT 0,
    watermark timestamptz
) WITH (fillfactor = 50);

CREATE TABLE outbox (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id    uuid        NOT NULL UNIQUE,
    subject     uuid        NOT NULL,
    type        text        NOT NULL,
    occurred_at timestamptz NOT NULL,
    dataschema  text        NOT NULL,
    payload     text        NOT NULL,
    traceparent text
);

CREATE FUNCTION outbox_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('metrics_outbox', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER outbox_notify AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION outbox_notify();

-- migrate:down

DROP TABLE outbox;
DROP FUNCTION outbox_notify();
DROP TABLE partitions;
DROP TABLE deadlines;
DROP TABLE states;
DROP TABLE complaints;
