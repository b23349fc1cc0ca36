-- What all functions stand on: refusals, and how values are written.

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

-- How many rows a table has: a small one's are counted; a large one's are the planner's estimate, which goes by the
-- table's present size. pg_class.reltuples alone is -1 before the first ANALYZE, and as old as the last.
CREATE OR REPLACE FUNCTION tm_rows(p_table regclass) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$ -- EXPLAIN may stand in no other
DECLARE
    v_plan json;
    v_rows bigint;
BEGIN
    IF p_table IS NULL THEN
        RETURN NULL;
    END IF;
    IF pg_relation_size(p_table) <= 4 << 20 THEN
        EXECUTE format('SELECT count(*) FROM %s', p_table) INTO v_rows;
        RETURN v_rows;
    END IF;
    EXECUTE format('EXPLAIN (FORMAT JSON) SELECT FROM %s', p_table) INTO v_plan;
    RETURN (v_plan -> 0 -> 'Plan' ->> 'Plan Rows')::numeric::bigint;
END $$;
