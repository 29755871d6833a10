-- The notifier's SQL. Arguments are positional ($1 ..), since most are columns for unnest.

-- ---- the log's fold ----

-- name: admit_complaints!
-- Rows for complaints that were just submitted, so that two readers of one partition (a rebalance) can't both think they are first.
INSERT INTO complaints (id)
SELECT unnest($1::uuid[])
ON CONFLICT DO NOTHING

-- name: lock_complaints
-- In the order of ids: whoever else takes several takes them in the same order.
SELECT id, state
FROM complaints
WHERE id = ANY($1::uuid[])
ORDER BY id
FOR UPDATE

-- name: save_states!
UPDATE complaints
SET state = new.state,
    submitted = coalesce(new.submitted, complaints.submitted),
    decided = coalesce(new.decided, complaints.decided)
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS new (id, state, submitted, decided)
WHERE complaints.id = new.id

-- name: add_history!
INSERT INTO history (event_id, complaint_id, type, body, applied)
SELECT event_id, complaint_id, type, body, applied
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::boolean[])
    WITH ORDINALITY AS new (event_id, complaint_id, type, body, applied, nth)
ORDER BY nth
ON CONFLICT DO NOTHING

-- name: forget_acts!
-- The log has shown them: its fold holds them now, or has refused them.
DELETE FROM acts
WHERE event_id = ANY($1::uuid[])

-- name: add_alerts!
-- Once for each natural key, however often the cause is read.
INSERT INTO notifications (
    id, complaint_id, cause, kind, rank, holder_code, holder_name, unit_code, unit_name, role, name, address, language, traceparent
)
SELECT * FROM unnest(
    $1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::smallint[], $6::text[], $7::text[],
    $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[]
)
ON CONFLICT DO NOTHING

-- ---- the worker ----

-- name: claim_alerts
WITH due AS (
    -- Emergencies first, then who has waited longest; what another process holds is passed over.
    SELECT id, state = 'sending' AS lost
    FROM notifications
    WHERE channel = 'email' AND due_at <= now()
    ORDER BY rank, due_at
    LIMIT $1
    FOR UPDATE SKIP LOCKED
), taken AS (
    -- A lost one had its lease run out: its process died or hung, and the mail may be gone. That counts as a failure of its
    -- own, so that a mail that kills its process is not sent for ever.
    UPDATE notifications
    SET state = 'sending',
        due_at = now() + make_interval(secs => $2::double precision),
        attempt = attempt + 1,
        failures = failures + due.lost::integer
    FROM due
    WHERE notifications.id = due.id
    RETURNING notifications.*, due.lost
), ended AS (
    UPDATE attempts
    SET outcome = 'unknown', ended_at = now(), detail = 'the lease ran out'
    FROM taken
    WHERE taken.lost AND attempts.notification_id = taken.id AND attempts.attempt = taken.attempt - 1 AND outcome IS NULL
), before AS (
    -- Read as it stood before this statement: a lost attempt has no outcome yet.
    SELECT taken.id, bool_or(coalesce(attempts.outcome, 'unknown') = 'unknown') AS resend
    FROM taken
    JOIN attempts ON attempts.notification_id = taken.id AND attempts.attempt < taken.attempt
    GROUP BY taken.id
), begun AS (
    INSERT INTO attempts (notification_id, attempt, resend)
    SELECT taken.id, taken.attempt, coalesce(before.resend, false)
    FROM taken LEFT JOIN before USING (id)
)
SELECT
    taken.id, taken.complaint_id, cause, kind, rank, holder_code, holder_name, unit_code, unit_name, role, name, address, language,
    attempt, failures, created_at, traceparent, coalesce(before.resend, false) AS resend,
    complaints.state AS complaint, complaints.submitted, history.body AS called_by
FROM taken
JOIN complaints ON complaints.id = taken.complaint_id
JOIN history ON history.event_id = taken.cause
LEFT JOIN before ON before.id = taken.id
ORDER BY rank, taken.created_at

-- name: finish_attempt$
-- The attempt's outcome. True where the alert was still this attempt's: then, and only then, its state changes.
WITH attempted AS (
    UPDATE attempts
    SET outcome = $3, ended_at = now(), detail = $4
    WHERE notification_id = $1 AND attempt = $2
), finished AS (
    UPDATE notifications
    SET state = $5,
        failures = $6,
        due_at = now() + make_interval(secs => $7::double precision),
        sent_at = CASE WHEN $3 = 'sent' THEN now() END
    WHERE id = $1 AND attempt = $2 AND state = 'sending'
    RETURNING id
), told AS (
    -- In the same statement: the alert's state and what the log is told of it can't part.
    INSERT INTO outbox (event_id, subject, type, occurred_at, dataschema, payload, traceparent)
    SELECT new.*
    FROM finished,
        unnest($8::uuid[], $9::uuid[], $10::text[], $11::timestamptz[], $12::text[], $13::text[], $14::text[]) AS new
)
SELECT EXISTS (SELECT FROM finished)

-- name: backlog^
-- Alerts that wait, and for how many seconds the oldest has.
SELECT count(*) AS alerts, coalesce(extract(epoch FROM now() - min(created_at)), 0)::double precision AS oldest_seconds
FROM notifications
WHERE channel = 'email' AND due_at IS NOT NULL

-- ---- the page ----

-- name: opened_by^
-- The alert whose link is opened, with its complaint.
SELECT
    notifications.id, notifications.complaint_id, unit_code, unit_name, role, address, kind, holder_code, holder_name, channel, seen_at

FROM notifications
WHERE id = $1

-- name: complaint^
SELECT state, submitted, decided
FROM complaints
WHERE id = $1

-- name: lock_complaint^
-- Acts on one complaint, and the log's own events for it, come one after another.
SELECT state, submitted, decided
FROM complaints
WHERE id = $1
FOR UPDATE

-- name: acts_unseen
SELECT type, body
FROM acts
WHERE complaint_id = $1
ORDER BY position

-- name: history_of
SELECT type, body, applied
FROM history
WHERE complaint_id = $1
ORDER BY position

-- name: add_act!
INSERT INTO acts (event_id, complaint_id, type, body)
VALUES ($1, $2, $3, $4)

-- name: mark_seen$
-- True for the first time only.
UPDATE notifications
SET seen_at = now()
WHERE id = $1 AND seen_at IS NULL
RETURNING true
