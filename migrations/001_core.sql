-- Who works here, and with which strategies.

CREATE TABLE IF NOT EXISTS workspaces (
    id         uuid PRIMARY KEY,
    name       text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

INSERT INTO workspaces (id, name)
VALUES ('00000000-0000-0000-0000-000000000001', 'development')
ON CONFLICT (id) DO NOTHING;

-- spec is what config/strategies/README.md describes. workspace_id null: everyone may use it.
CREATE TABLE IF NOT EXISTS strategies (
    id           uuid PRIMARY KEY,
    workspace_id uuid REFERENCES workspaces (id) ON DELETE CASCADE,
    name         text NOT NULL,
    spec         json NOT NULL, -- not jsonb: the order of params and indicators has a meaning
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX IF NOT EXISTS strategies_name ON strategies (name) WHERE workspace_id IS NULL;

-- How our SQL reports a refusal: SQLSTATE TM001 and 'CODE: detail', CODE being a name of
-- proto/errors.def. The programs take code and detail from there.
CREATE OR REPLACE FUNCTION tm_refuse(p_code text, p_detail text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%: %', p_code, p_detail USING ERRCODE = 'TM001';
END $$;

-- 'NaN' and infinities have no place in JSON.
CREATE OR REPLACE FUNCTION tm_number(p_value float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN p_value <> 'NaN' AND abs(p_value) < 'Infinity' THEN p_value END
$$;

-- {"names[1]": values[1], ...}
CREATE OR REPLACE FUNCTION tm_object(p_names text[], p_values float8[]) RETURNS json
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(json_object_agg(n, tm_number(v) ORDER BY i), '{}'::json)
      FROM unnest(p_names, p_values) WITH ORDINALITY AS t (n, v, i)
     WHERE n IS NOT NULL
$$;

-- RFC 3339 UTC, milliseconds.
CREATE OR REPLACE FUNCTION tm_time(p_at timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;
