-- The trace a job was submitted in stays with it when it has ended.
--
-- Two functions as they were in 005_queue.sql, but for the column.

ALTER TABLE job_runs ADD COLUMN IF NOT EXISTS traceparent text;

-- See 005_queue.sql.
CREATE OR REPLACE FUNCTION job_finish(p_id uuid, p_attempt int, p_result bytea) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    WITH gone AS (
        DELETE FROM jobs WHERE id = p_id AND attempt = p_attempt AND lease_broker IS NOT NULL
        RETURNING *)
    INSERT INTO job_runs (id, workspace_id, queue, outcome, attempt, failures, worker, created_at,
                          started_at, parent_id, traceparent, result)
    SELECT id, workspace_id, queue, 'done', attempt, failures, lease_worker, created_at, leased_at,
           parent_id, traceparent, p_result
      FROM gone;
    IF NOT FOUND THEN
        PERFORM tm_refuse('LEASE_LOST', 'another attempt has this job, or it has ended');
    END IF;
END $$;

-- See 005_queue.sql.
CREATE OR REPLACE FUNCTION job_cancel(p_id uuid) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_family uuid[];
    v_gone uuid[];
    v_asked uuid[];
    v_state text;
BEGIN
    PERFORM 1 FROM jobs j JOIN job_family(p_id) f ON f.id = j.id
      ORDER BY f.depth DESC, j.id FOR UPDATE OF j;
    SELECT array_agg(id) INTO v_family FROM job_family(p_id);
    WITH gone AS (
        DELETE FROM jobs WHERE id = ANY (v_family) AND state <> 'running' RETURNING *),
    kept AS (
        INSERT INTO job_runs (id, workspace_id, queue, outcome, attempt, failures, worker,
                              created_at, started_at, parent_id, traceparent)
        SELECT id, workspace_id, queue, 'canceled', attempt, failures, NULL, created_at, leased_at,
               parent_id, traceparent
          FROM gone
        RETURNING id)
    SELECT array_agg(id) INTO v_gone FROM kept;
    WITH asked AS (
        UPDATE jobs SET cancel_at = coalesce(cancel_at, now()) WHERE id = ANY (v_family)
        RETURNING id)
    SELECT array_agg(id) INTO v_asked FROM asked;
    PERFORM tm_tell('over:' || id) FROM unnest(v_gone) AS g (id);
    PERFORM tm_tell('cancel:' || id) FROM unnest(v_asked) AS a (id);
    IF p_id = ANY (v_gone) THEN
        RETURN 'canceled';
    ELSIF p_id = ANY (v_asked) THEN
        RETURN 'canceling';
    END IF;
    SELECT outcome INTO v_state FROM job_runs WHERE id = p_id;
    IF NOT FOUND THEN
        SELECT 'dead' INTO v_state FROM dead_jobs WHERE id = p_id;
    END IF;
    RETURN coalesce(v_state, 'unknown');
END $$;
