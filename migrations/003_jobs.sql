-- The queue. `jobs` holds live jobs only, so that it and its indexes stay small; a job that has
-- ended is moved, in the statement that ends it, to job_runs (done, canceled) or dead_jobs.

DO $$ BEGIN
    CREATE TYPE job_state AS ENUM ('ready', 'running', 'scheduled', 'waiting');
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;

-- One row a broker process. Its leases hold while seen_at is fresh: no job row is written to
-- renew a lease.
CREATE TABLE IF NOT EXISTS brokers (
    id         uuid PRIMARY KEY,
    endpoint   text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now(),
    gone_at    timestamptz                      -- declared dead; its leases may be taken over
) WITH (fillfactor = 50);

CREATE TABLE IF NOT EXISTS jobs (
    id             uuid PRIMARY KEY,
    workspace_id   uuid NOT NULL,
    queue          text NOT NULL,
    state          job_state NOT NULL,
    priority       smallint NOT NULL DEFAULT 5,
    run_at         timestamptz NOT NULL DEFAULT now(),
    created_at     timestamptz NOT NULL DEFAULT now(),
    attempt        int NOT NULL DEFAULT 0,      -- fencing token: counts leases
    failures       int NOT NULL DEFAULT 0,      -- counts towards max_attempts
    crashes        int NOT NULL DEFAULT 0,      -- counts towards the poison rule
    max_attempts   int NOT NULL,
    timeout_ms     bigint NOT NULL DEFAULT 0,
    expires_at     timestamptz,
    leased_at      timestamptz,
    lease_broker   uuid,
    lease_worker   uuid,
    parent_id      uuid,                        -- this job is a part of that one
    children_left  int NOT NULL DEFAULT 0,      -- state waiting until 0
    last_code      text,
    last_detail    text,
    traceparent    text,
    body           bytea NOT NULL
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0,
        autovacuum_analyze_threshold = 5000);

CREATE INDEX IF NOT EXISTS jobs_ready ON jobs (queue, priority, run_at, id) WHERE state = 'ready';
CREATE INDEX IF NOT EXISTS jobs_scheduled ON jobs (run_at) WHERE state = 'scheduled';
CREATE INDEX IF NOT EXISTS jobs_leased ON jobs (lease_broker) WHERE state = 'running';
CREATE INDEX IF NOT EXISTS jobs_expiring ON jobs (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS job_runs (
    id           uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    queue        text NOT NULL,
    outcome      text NOT NULL CHECK (outcome IN ('done', 'canceled')),
    attempt      int NOT NULL,
    failures     int NOT NULL,
    worker       uuid,
    created_at   timestamptz NOT NULL,
    started_at   timestamptz,
    finished_at  timestamptz NOT NULL DEFAULT now(),
    result       bytea
);

CREATE TABLE IF NOT EXISTS dead_jobs (
    id           uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    queue        text NOT NULL,
    priority     smallint NOT NULL,
    attempt      int NOT NULL,
    failures     int NOT NULL,
    crashes      int NOT NULL,
    max_attempts int NOT NULL,
    timeout_ms   bigint NOT NULL,
    worker       uuid,
    code         text NOT NULL,
    detail       text NOT NULL,
    created_at   timestamptz NOT NULL,
    died_at      timestamptz NOT NULL DEFAULT now(),
    parent_id    uuid,
    traceparent  text,
    body         bytea NOT NULL
);

-- Ends a leased job from inside the transaction that writes its effects. Refuses with LEASE_LOST
-- unless `attempt` is the newest lease, so that effects land once.
CREATE OR REPLACE FUNCTION job_finish(p_id uuid, p_attempt int, p_result bytea) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    WITH gone AS (
        DELETE FROM jobs WHERE id = p_id AND attempt = p_attempt AND state = 'running'
        RETURNING *)
    INSERT INTO job_runs (id, workspace_id, queue, outcome, attempt, failures, worker, created_at,
                          started_at, result)
    SELECT id, workspace_id, queue, 'done', attempt, failures, lease_worker, created_at, leased_at,
           p_result
      FROM gone;
    IF NOT FOUND THEN
        PERFORM tm_refuse('LEASE_LOST', 'another attempt has this job, or it has ended');
    END IF;
END $$;
