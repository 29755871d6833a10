-- migrate:up

-- One row for each complaint: the fold of the log, and what a mail and a page say of it.
CREATE TABLE complaints (
    id uuid PRIMARY KEY,
    state text,          -- tanggap.contracts.lifecycle.encode; null between the row's making and its first fold, in one transaction
    submitted text,      -- body of complaint.submitted: text, place, photos
    decided text         -- body of the last complaint.assigned or complaint.triage_requested: why this unit
) WITH (fillfactor = 80); -- the state is rewritten at each event: room for that on the same page spares the index

-- What a page tells of a complaint's past: bodies of events, in the order of the log.
CREATE TABLE history (
    event_id uuid PRIMARY KEY,
    complaint_id uuid NOT NULL,
    position bigint GENERATED ALWAYS AS IDENTITY,
    type text NOT NULL,
    body text NOT NULL,
    applied boolean NOT NULL -- false: an official's act that the log's order overruled
);
CREATE INDEX history_of_complaint ON history (complaint_id, position);

-- Acts done on the page that the log has not shown yet. The state that counts is the log's, and these on top.
CREATE TABLE acts (
    event_id uuid PRIMARY KEY,
    complaint_id uuid NOT NULL,
    position bigint GENERATED ALWAYS AS IDENTITY,
    type text NOT NULL,
    body text NOT NULL
);
CREATE INDEX acts_of_complaint ON acts (complaint_id, position);

-- One row for each alert to one official. Natural key: what caused it, the office, the address, the channel.
CREATE TABLE notifications (
    id uuid PRIMARY KEY,
    complaint_id uuid NOT NULL,
    cause uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('assigned', 'triage')),
    rank smallint NOT NULL,            -- 0 first: emergencies overtake a backlog
    holder_code text NOT NULL,         -- the unit that must act
    holder_name text NOT NULL,
    unit_code text NOT NULL,           -- the unit whose official is told
    unit_name text NOT NULL,
    role text NOT NULL,
    name text NOT NULL,
    address text NOT NULL,             -- never leaves this schema but as a mail's recipient
    language text NOT NULL,
    channel text NOT NULL DEFAULT 'email' CHECK (channel IN ('email', 'whatsapp', 'telegram', 'sms', 'webhook')),
    state text NOT NULL DEFAULT 'created' CHECK (state IN (
        'created', 'sending', 'sent', 'delivered', 'temporary-failure', 'permanent-failure', 'technical-failure', 'withdrawn'
    )),
    attempt integer NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0, -- by its own fault: what the retry decision counts
    due_at timestamptz DEFAULT now(),  -- from when it may be taken; while sending: when the lease runs out; null: nothing more to do
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz,
    seen_at timestamptz,
    traceparent text,
    UNIQUE (cause, unit_code, address, channel)
) WITH (fillfactor = 80);
-- Only what still lives is indexed for the worker: the table grows, this does not.
CREATE INDEX notifications_live ON notifications (channel, rank, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX notifications_of_complaint ON notifications (complaint_id);

-- One row for each attempt. No outcome: it is under way, or its process died.
CREATE TABLE attempts (
    notification_id uuid NOT NULL,
    attempt integer NOT NULL,
    began_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    outcome text CHECK (outcome IN (
        'sent', 'temporary-failure', 'permanent-failure', 'technical-failure', 'provider-away', 'unknown', 'withdrawn'
    )),
    detail text,
    resend boolean NOT NULL, -- the attempt before it may have sent the mail: this one may be a second copy
    PRIMARY KEY (notification_id, attempt)
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
    PERFORM pg_notify('notifier_outbox', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER outbox_notify AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION outbox_notify();

-- migrate:down

DROP TABLE outbox;
DROP FUNCTION outbox_notify;
DROP TABLE attempts;
DROP TABLE notifications;
DROP TABLE acts;
DROP TABLE history;
DROP TABLE complaints;
