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

-- name: store_policy!
-- Keeps a policy's text; one that is kept already stays as it is.
INSERT INTO policies (version, sha256, body) VALUES (:version, :sha256, :body) ON CONFLICT (version) DO NOTHING;

-- name: policy^
-- A policy's text by its version.
SELECT version, sha256, body FROM policies WHERE version = :version;

-- name: lock_activations!
-- One activation at a time, so that the last id is the last to be committed and knows the one before it. Readers go on.
LOCK TABLE activations IN SHARE ROW EXCLUSIVE MODE;

-- name: activate^
-- Has a stored policy count from now on.
INSERT INTO activations (version, before, activated_by, why, city_version)
VALUES (
    :version, (SELECT version FROM activations ORDER BY id DESC LIMIT 1), :activated_by, :why, :city_version
)
RETURNING id, version, before, activated_at, activated_by, why, city_version;

-- name: newest_activation$
-- The id of the activation that counts; null before the first.
SELECT max(id) FROM activations;

-- name: activation_up_to^
-- The last activation with an id of at most that, with its text; for a process that must go back because it can't take later ones.
SELECT a.id, a.version, a.before, a.activated_at, a.activated_by, a.why, a.city_version, p.body
FROM activations AS a
INNER JOIN policies AS p USING (version)
WHERE a.id <= :id
ORDER BY a.id DESC
LIMIT 1;

-- name: activations
-- All activations, the last one first, with what processes made of them.
SELECT
    a.id, a.version, a.before, a.activated_at, a.activated_by, a.why, a.city_version,
    count(DISTINCT r.process) FILTER (WHERE r.taken) AS taken,
    count(DISTINCT r.process) FILTER (WHERE NOT r.taken) AS refused
FROM activations AS a
LEFT JOIN policy_reports AS r ON r.activation_id = a.id
GROUP BY a.id
ORDER BY a.id DESC;

-- name: report_policy!
-- What a process made of an activation.
INSERT INTO policy_reports (activation_id, process, taken, detail) VALUES (:activation_id, :process, :taken, :detail);

-- name: policy_reports
-- What processes made of an activation, in the order in which they said so.
SELECT process, reported_at, taken, detail FROM policy_reports WHERE activation_id = :activation_id ORDER BY reported_at;

-- name: listening$
-- How many sessions of that name there are in this database.
SELECT count(*) FROM pg_stat_activity WHERE application_name = :session AND datname = current_database();
