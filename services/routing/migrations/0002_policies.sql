-- migrate:up

-- Every policy that ever counted, to the byte, so that each decision's `policy_version` can be read long after.
CREATE TABLE policies (
    version text PRIMARY KEY,
    sha256 text NOT NULL,
    body bytea NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now()
);

-- Who had which policy count from when, and why. The last one counts; before the first, the city's own routing.yaml does.
-- `before`: the version that was to count until then, null for the city's own. `city_version`: of the city it was checked against.
CREATE TABLE activations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version text NOT NULL REFERENCES policies,
    before text REFERENCES policies,
    activated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    activated_by text NOT NULL CHECK (activated_by <> ''),
    why text NOT NULL CHECK (why <> ''),
    city_version text NOT NULL
);

-- What each process made of an activation: took it, or refused it because its own city can't take that policy.
CREATE TABLE policy_reports (
    activation_id bigint NOT NULL REFERENCES activations,
    process text NOT NULL,
    reported_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    taken boolean NOT NULL,
    detail text NOT NULL
);

CREATE INDEX policy_reports_activation ON policy_reports (activation_id);

-- An audit that can be rewritten is none.
CREATE FUNCTION policies_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: activate another policy instead', TG_TABLE_NAME;
END
$$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON policies
FOR EACH STATEMENT EXECUTE FUNCTION policies_append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON activations
FOR EACH STATEMENT EXECUTE FUNCTION policies_append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON policy_reports
FOR EACH STATEMENT EXECUTE FUNCTION policies_append_only();

CREATE FUNCTION activations_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('routing_policy', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER activations_notify AFTER INSERT ON activations FOR EACH STATEMENT EXECUTE FUNCTION activations_notify();

-- migrate:down

DROP TABLE policy_reports;
DROP TABLE activations;
DROP TABLE policies;
DROP FUNCTION activations_notify();
DROP FUNCTION policies_append_only();
