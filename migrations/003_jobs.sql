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
    gone_at    timestamptz,                     -- declared dead; its leases may be taken over
    -- The workers it knows, for people: an array of {worker, actor, queues, credit, used, software,
    -- leaving}.
    workers    jsonb NOT NULL DEFAULT '[]'
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
    body           bytea NOT NULL,
    rank           timestamptz NOT NULL DEFAULT now(), -- its place in the workspace's line: job_rank
    cancel_at      timestamptz,                 -- asked to stop
    is_join        boolean NOT NULL DEFAULT false
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0,
        autovacuum_analyze_threshold = 5000);

-- One index for what may start, by workspace so that each gets its turn; one for what runs. Each
-- state has one that holds the queue, so that a look at the queues reads indexes only.
CREATE INDEX IF NOT EXISTS jobs_ready ON jobs (queue, workspace_id, rank, id) INCLUDE (run_at)
    WHERE state = 'ready';
CREATE INDEX IF NOT EXISTS jobs_scheduled ON jobs (run_at) INCLUDE (queue) WHERE state = 'scheduled';
CREATE INDEX IF NOT EXISTS jobs_waiting ON jobs (queue) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS jobs_running ON jobs (queue, workspace_id, id) WHERE state = 'running';
CREATE INDEX IF NOT EXISTS jobs_canceled ON jobs (cancel_at) WHERE cancel_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS jobs_children ON jobs (parent_id) WHERE parent_id IS NOT NULL;
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
    result       bytea,
    parent_id    uuid,
    traceparent  text                           -- the trace it was submitted in
);
CREATE INDEX IF NOT EXISTS job_runs_children ON job_runs (parent_id) WHERE parent_id IS NOT NULL;
-- What ended lately. Rows come in the order of time: a summary of each MiB is enough.
CREATE INDEX IF NOT EXISTS job_runs_finished ON job_runs USING brin (finished_at)
    WITH (autosummarize = on);

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
    body         bytea NOT NULL,
    is_join      boolean NOT NULL DEFAULT false
);
CREATE INDEX IF NOT EXISTS dead_jobs_recent ON dead_jobs (died_at, id);
CREATE INDEX IF NOT EXISTS dead_jobs_queue ON dead_jobs (queue, died_at, id);

-- What is known of a queue beyond its jobs; no row: nothing special.
CREATE TABLE IF NOT EXISTS queues (
    name            text PRIMARY KEY CHECK (name ~ '^[a-z0-9._-]{1,64}$'),
    paused_at       timestamptz,               -- no job starts while this stands
    max_depth       bigint CHECK (max_depth > 0), -- jobs it may hold; null: broker.max_depth
    workspace_limit int CHECK (workspace_limit > 0), -- running jobs of one workspace; null: any
    updated_at      timestamptz NOT NULL DEFAULT now()
);

-- Which broker alone serves a queue that a worker wants for itself, and for which worker.
CREATE TABLE IF NOT EXISTS queue_owners (
    queue    text PRIMARY KEY,
    broker   uuid NOT NULL,
    worker   uuid NOT NULL,
    since    timestamptz NOT NULL DEFAULT now()
);
