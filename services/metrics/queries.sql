-- name: states
-- The folded lives of a batch's complaints; those that are new have no row.
SELECT complaint_id, version, state
FROM states
WHERE complaint_id = ANY(:complaint_ids::uuid[]);

-- name: save$
-- All that a batch changed, in one statement. Answers how many states were saved: fewer than were given means that another
-- reader saved one meanwhile, and the caller must roll back and fold again.
WITH saved AS (
    INSERT INTO states (complaint_id, version, state)
    SELECT * FROM unnest(:state_ids::uuid[], :versions::integer[], :states::text[])
    ON CONFLICT (complaint_id) DO UPDATE
        SET version = EXCLUDED.version, state = EXCLUDED.state
        WHERE states.version = EXCLUDED.version - 1
    RETURNING 1
),
-- Only complaints of which a figure may have changed: most events (an alert delivered, a page opened) change none.
counted AS (
    INSERT INTO complaints (
        complaint_id, partition, number, status, stage, unit_code, unit_name, kota, category, received_at, assigned_at,
        first_response_at, closed_at, outcome, overdue_from, overdue_clock, breaches
    )
    SELECT * FROM unnest(
        :complaint_ids::uuid[], :partitions::integer[], :numbers::text[], :statuses::text[], :stages::text[],
        :unit_codes::text[], :unit_names::text[], :kotas::text[], :categories::text[], :received_ats::timestamptz[],
        :assigned_ats::timestamptz[], :first_response_ats::timestamptz[], :closed_ats::timestamptz[], :outcomes::text[],
        :overdue_froms::timestamptz[], :overdue_clocks::text[], :breaches::integer[]
    )
    ON CONFLICT (complaint_id) DO UPDATE SET
        partition = EXCLUDED.partition,
        number = EXCLUDED.number,
        status = EXCLUDED.status,
        stage = EXCLUDED.stage,
        unit_code = EXCLUDED.unit_code,
        unit_name = EXCLUDED.unit_name,
        kota = EXCLUDED.kota,
        category = EXCLUDED.category,
        received_at = EXCLUDED.received_at,
        assigned_at = EXCLUDED.assigned_at,
        first_response_at = EXCLUDED.first_response_at,
        closed_at = EXCLUDED.closed_at,
        outcome = EXCLUDED.outcome,
        overdue_from = EXCLUDED.overdue_from,
        overdue_clock = EXCLUDED.overdue_clock,
        breaches = EXCLUDED.breaches
),
-- Clocks that stopped or paused. What has fired stays: it is the mark that it fired.
stopped AS (
    DELETE FROM deadlines
    USING unnest(:stopped_ids::uuid[], :stopped_clocks::text[], :stopped_kinds::text[]) AS gone (complaint_id, clock, kind)
    WHERE deadlines.complaint_id = gone.complaint_id
        AND deadlines.clock = gone.clock
        AND deadlines.kind = gone.kind
        AND deadlines.fired_at IS NULL
),
-- Clocks that started, or run on to another moment. What has fired never fires again, wherever its moment moves.
started AS (
    INSERT INTO deadlines (complaint_id, clock, kind, partition, due_at)
    SELECT * FROM unnest(
        :started_ids::uuid[], :started_clocks::text[], :started_kinds::text[], :started_partitions::integer[],
        :started_due_ats::timestamptz[]
    )
    ON CONFLICT (complaint_id, clock, kind) DO UPDATE
        SET partition = EXCLUDED.partition, due_at = EXCLUDED.due_at
        WHERE deadlines.fired_at IS NULL
),
positions AS (
    INSERT INTO partitions (partition, position)
    SELECT * FROM unnest(:read_partitions::integer[], :read_positions::bigint[])
    ON CONFLICT (partition) DO UPDATE SET position = GREATEST(partitions.position, EXCLUDED.position)
)
SELECT count(*) FROM saved;

-- name: move_watermarks!
-- A watermark is a fact about the past, so the later one of two readers' is true.
INSERT INTO partitions (partition, watermark)
SELECT * FROM unnest(:partitions::integer[], :watermarks::timestamptz[])
ON CONFLICT (partition) DO UPDATE SET watermark = GREATEST(partitions.watermark, EXCLUDED.watermark);

-- name: claim_due
-- Deadlines that ran out on the partitions read here, each up to its own moment (what the log is known to hold by then). A row
-- that another ticker holds, or that the reader is just moving, is passed over: it is looked at again at the next tick.
SELECT deadlines.complaint_id, deadlines.clock, deadlines.kind, deadlines.due_at, complaints.unit_code, complaints.unit_name
FROM unnest(:partitions::integer[], :until::timestamptz[]) AS known (partition, until)
INNER JOIN deadlines
    ON deadlines.partition = known.partition AND deadlines.due_at <= known.until AND deadlines.fired_at IS NULL
INNER JOIN complaints ON complaints.complaint_id = deadlines.complaint_id
ORDER BY deadlines.due_at
LIMIT :most::integer
FOR UPDATE OF deadlines SKIP LOCKED;

-- name: mark_fired!
UPDATE deadlines SET fired_at = :fired_at::timestamptz
FROM unnest(:complaint_ids::uuid[], :clocks::text[], :kinds::text[]) AS fired (complaint_id, clock, kind)
WHERE deadlines.complaint_id = fired.complaint_id AND deadlines.clock = fired.clock AND deadlines.kind = fired.kind;

-- name: as_of$
-- The moment up to which the whole log is folded: the least of the partitions' watermarks; null until each is known.
SELECT CASE WHEN bool_and(watermark IS NOT NULL) THEN min(watermark) END FROM partitions;

-- name: figures
-- One row for all (its `is_total` true) and one per group; what each figure means is said in figures.py.
WITH as_of AS (
    SELECT CASE WHEN bool_and(watermark IS NOT NULL) THEN min(watermark) END AS at FROM partitions
),
asked AS (
    SELECT
        CASE :group_by::text WHEN 'unit' THEN unit_code WHEN 'kota' THEN kota WHEN 'category' THEN category END AS code,
        unit_name,
        outcome,
        status,
        breaches,
        overdue_from,
        CAST(extract(EPOCH FROM first_response_at - received_at) AS double precision) AS answered_after
    FROM complaints
    WHERE received_at >= :received_from::timestamptz
        AND received_at < :received_to::timestamptz
        AND (:unit::text IS NULL OR unit_code = :unit)
        AND (:category::text IS NULL OR category = :category)
)
SELECT
    grouping(code) = 1 AS is_total,
    code,
    CASE WHEN :group_by = 'unit' THEN max(unit_name) END AS name,
    (SELECT at FROM as_of) AS as_of,
    count(*) AS received,
    count(answered_after) AS answered,
    percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY answered_after) AS quantiles,
    count(*) FILTER (WHERE outcome = 'open') AS open,
    count(*) FILTER (WHERE outcome = 'open' AND overdue_from <= (SELECT at FROM as_of)) AS overdue,
    count(*) FILTER (WHERE status = 'triage') AS triage,
    count(*) FILTER (WHERE outcome = 'resolved') AS resolved,
    count(*) FILTER (WHERE outcome = 'rejected') AS rejected,
    count(*) FILTER (WHERE outcome = 'merged') AS merged,
    coalesce(sum(breaches), 0) AS breaches
FROM asked
GROUP BY GROUPING SETS ((), (code));

-- name: overdue_by_unit
-- How many complaints of each unit are overdue at a moment, whenever they were received.
SELECT unit_code, max(unit_name) AS unit_name, count(*) AS overdue
FROM complaints
WHERE outcome = 'open' AND overdue_from <= :as_of::timestamptz
GROUP BY unit_code;

-- name: overdue
-- What is overdue at a moment, the latest first.
SELECT number, category, unit_code, unit_name, stage, overdue_from, overdue_clock, received_at
FROM complaints
WHERE outcome = 'open' AND overdue_from <= :as_of::timestamptz
ORDER BY overdue_from, number
LIMIT :most::bigint;

-- name: open_by_kota
-- What is open, per city and stage, and how much of it is overdue at a moment.
SELECT kota, stage, count(*) AS open, count(*) FILTER (WHERE overdue_from <= :as_of::timestamptz) AS overdue
FROM complaints
WHERE outcome = 'open'
GROUP BY kota, stage;

-- name: positions
SELECT partition, position FROM partitions ORDER BY partition;

-- name: partition_rows
-- Every complaint of one partition, for the recount.
SELECT
    complaints.complaint_id, number, status, stage, unit_code, unit_name, kota, category, received_at, assigned_at,
    first_response_at, closed_at, outcome, overdue_from, overdue_clock, breaches, state
FROM complaints
INNER JOIN states ON states.complaint_id = complaints.complaint_id
WHERE complaints.partition = :partition::integer;
