-- name: decide
-- Keeps the decisions that are new and tells the log of those alone; answers which they were. A cause that was decided before
-- has its row, so a record read twice makes neither a second decision nor a second event.
--   given  the batch, in its order
--   fresh  the natural key decides what is new, also between two readers at once
--   told   their events, in the batch's order
WITH given AS (
    SELECT *
    FROM unnest(
        :causes::uuid[], :event_ids::uuid[], :complaint_ids::uuid[], :types::text[], :decided_ats::timestamptz[],
        :dataschemas::text[], :bodies::text[], :traceparents::text[]
    ) WITH ORDINALITY AS row (cause, event_id, complaint_id, type, decided_at, dataschema, body, traceparent, place)
),
fresh AS (
    INSERT INTO decisions (complaint_id, cause, event_id, type, decided_at, body)
    SELECT complaint_id, cause, event_id, type, decided_at, body FROM given
    ON CONFLICT (complaint_id, cause) DO NOTHING
    RETURNING event_id
),
told AS (
    INSERT INTO outbox (event_id, subject, type, occurred_at, dataschema, payload, traceparent)
    SELECT event_id, complaint_id, type, decided_at, dataschema, body, traceparent
    FROM given
    INNER JOIN fresh USING (event_id)
    ORDER BY place
)
SELECT event_id FROM fresh;

-- name: decisions_of
-- Every decision on a complaint, the last one first.
SELECT type, body FROM decisions WHERE complaint_id = :complaint_id ORDER BY decided_at DESC, cause;
