-- name: accept
-- Stores complaints that came at once, each with the reporter's sealed contact and the event that tells of it, or finds what the app
-- sent before under the same key. One that has no row in the answer met another of its key in this batch or in a transaction that ran
-- beside it: given again, `known` sees it.
--   given    what came, in its order
--   known    found first, so that a retry burns no number and writes nothing
--   counted  the number is made here, where the sequence is
--   fresh    the unique key decides between two at once
--   told     the event's JSON came cut in two where the number belongs
WITH given AS (
    SELECT *
    FROM unnest(
        :ids::uuid[], :apps::text[], :client_request_ids::text[], :request_hashes::bytea[], :sources::text[], :categories::text[],
        :descriptions::text[], :lats::double precision[], :lons::double precision[], :addresses::text[], :medias::text[],
        :attributes::text[], :reported_ats::timestamptz[], :received_ats::timestamptz[], :day_prefixes::text[], :day_bases::bigint[],
        :contacts::bytea[], :wrapped_keys::bytea[], :wrapped_bys::text[], :event_ids::uuid[], :event_types::text[],
        :dataschemas::text[], :payload_heads::text[], :payload_tails::text[], :traceparents::text[]
    ) WITH ORDINALITY AS row (
        id, app, client_request_id, request_hash, source, category, description, lat, lon, address, media, attributes, reported_at,
        received_at, day_prefix, day_base, contact, wrapped_key, wrapped_by, event_id, event_type, dataschema, payload_head,
        payload_tail, traceparent, place
    )
),
known AS (
    -- LATERAL with LIMIT: one look into the unique index for each, whatever the planner believed of the table when it was small.
    SELECT given.place, c.id, c.number, c.received_at, c.request_hash
    FROM given
    CROSS JOIN LATERAL (
        SELECT id, number, received_at, request_hash
        FROM complaints
        WHERE app = given.app AND client_request_id = given.client_request_id
        LIMIT 1
    ) AS c
),
counted AS (
    SELECT given.*, (nextval('numbers') - day_base)::text AS count
    FROM given
    WHERE NOT EXISTS (SELECT FROM known WHERE known.place = given.place)
),
fresh AS (
    INSERT INTO complaints (
        id, number, app, client_request_id, request_hash, source, category, description, lat, lon, address, media,
        attributes, reported_at, received_at
    )
    SELECT
        id, day_prefix || lpad(count, greatest(4, length(count)), '0'), app, client_request_id, request_hash, source, category,
        description, lat, lon, address, ARRAY(SELECT jsonb_array_elements_text(media::jsonb)), attributes::jsonb, reported_at,
        received_at
    FROM counted
    -- In one order, or two batches with the same keys could each wait for the other.
    ORDER BY app, client_request_id
    ON CONFLICT (app, client_request_id) DO NOTHING
    RETURNING id, number, received_at
),
contact AS (
    INSERT INTO reporters (complaint_id, contact)
    SELECT id, contact FROM fresh INNER JOIN given USING (id) WHERE contact IS NOT NULL
),
contact_key AS (
    INSERT INTO reporter_keys (complaint_id, wrapped_key, wrapped_by)
    SELECT id, wrapped_key, wrapped_by FROM fresh INNER JOIN given USING (id) WHERE wrapped_key IS NOT NULL
),
told AS (
    INSERT INTO outbox (event_id, subject, type, occurred_at, dataschema, payload, traceparent)
    SELECT event_id, id, event_type, fresh.received_at, dataschema, payload_head || number || payload_tail, traceparent
    FROM fresh
    INNER JOIN given USING (id)
    ORDER BY place
)
SELECT place, id, number, received_at, request_hash, false AS created FROM known
UNION ALL
SELECT place, id, number, fresh.received_at, NULL, true FROM fresh INNER JOIN given USING (id);

-- name: open_day!
-- Gives a day its base. Must be committed before any count of that day is taken: then each count is above the base.
-- Looks first, so that a process that starts in the middle of a day burns no number.
INSERT INTO days (day, base)
SELECT :day::date, nextval('numbers') WHERE NOT EXISTS (SELECT FROM days WHERE day = :day::date)
ON CONFLICT (day) DO NOTHING;

-- name: day_base$
SELECT base FROM days WHERE day = :day;

-- name: add_key!
INSERT INTO keys (prefix, app, hash, created_at) VALUES (:prefix, :app, :hash, :created_at);

-- name: list_keys
SELECT prefix, app, hash, created_at, revoked_at FROM keys ORDER BY app, created_at, prefix;

-- name: revoke_keys
-- By the app's name (all its keys) or one key's prefix. Those already revoked keep their moment.
UPDATE keys SET revoked_at = coalesce(revoked_at, :revoked_at)
WHERE app = :name OR prefix = :name
RETURNING prefix, app, created_at, revoked_at;

-- name: sealed_contact^
SELECT r.contact, r.erased_at, k.wrapped_key, k.wrapped_by
FROM reporters AS r
LEFT JOIN reporter_keys AS k USING (complaint_id)
WHERE r.complaint_id = :complaint_id;

-- name: erase_contact$
-- True if there was a contact to erase. The key's row goes even where the contact's row is wanting.
WITH shredded AS (
    DELETE FROM reporter_keys WHERE complaint_id = :complaint_id RETURNING complaint_id
),
emptied AS (
    UPDATE reporters SET contact = NULL, erased_at = :erased_at
    WHERE complaint_id = :complaint_id AND erased_at IS NULL
    RETURNING complaint_id
)
SELECT EXISTS (SELECT FROM shredded UNION ALL SELECT FROM emptied);

-- name: complaint_id_of$
-- The complaint that a person names, by its id or its number.
SELECT id FROM complaints WHERE id::text = :name OR number = :name;

-- name: read^
-- One snapshot of what was said, the state and the history, for the app that sent it and no other.
SELECT
    c.id, c.number, c.client_request_id, c.source, c.category, c.description, c.lat, c.lon, c.address, c.media, c.attributes,
    c.reported_at, c.received_at, s.state, s.updated_at,
    (
        SELECT json_agg(json_build_object(
            'at', h.at, 'type', h.type, 'stage', h.stage, 'role', h.role, 'note', h.note,
            'unit', CASE WHEN h.unit_code IS NOT NULL THEN json_build_object('code', h.unit_code, 'name', h.unit_name) END
        ) ORDER BY h.revision)
        FROM history AS h WHERE h.complaint_id = c.id
    ) AS history
FROM complaints AS c
LEFT JOIN states AS s ON s.complaint_id = c.id
WHERE c.id = :id AND c.app = :app;

-- name: known_of
-- What is known of complaints: their states, and what the fold of a first event needs of one that has none yet.
-- LATERAL with LIMIT: one look into each index, whatever the planner believed of the tables when they were small.
SELECT given.complaint_id, c.number, c.app, c.client_request_id, c.category, c.received_at, s.state
FROM unnest(:complaint_ids::uuid[]) AS given (complaint_id)
CROSS JOIN LATERAL (
    SELECT number, app, client_request_id, category, received_at FROM complaints WHERE id = given.complaint_id LIMIT 1
) AS c
LEFT JOIN LATERAL (SELECT state FROM states WHERE complaint_id = given.complaint_id LIMIT 1) AS s ON true;

-- name: store_fold!
-- What a batch changed. A reader that was late to learn that its partition is another's holds an older revision: it loses.
WITH moved AS (
    INSERT INTO states (complaint_id, revision, stage, updated_at, state)
    SELECT * FROM unnest(
        :complaint_ids::uuid[], :revisions::int[], :stages::text[], :updated_ats::timestamptz[], :states::text[]
    )
    ON CONFLICT (complaint_id) DO UPDATE
    SET
        revision = excluded.revision, stage = excluded.stage, state = excluded.state,
        updated_at = greatest(states.updated_at, excluded.updated_at)
    WHERE states.revision < excluded.revision
)
INSERT INTO history (complaint_id, event_id, revision, at, type, stage, unit_code, unit_name, role, note)
SELECT * FROM unnest(
    :h_complaint_ids::uuid[], :h_event_ids::uuid[], :h_revisions::int[], :h_ats::timestamptz[], :h_types::text[],
    :h_stages::text[], :h_unit_codes::text[], :h_unit_names::text[], :h_roles::text[], :h_notes::text[]
)
ON CONFLICT (complaint_id, event_id) DO NOTHING;
