-- Retention: what is deleted, from which age on, and what each run did. functions/retention.sql has
-- the functions that go by it.

CREATE TABLE IF NOT EXISTS retention_policies (
    job_name   text PRIMARY KEY CHECK (job_name ~ '^[a-z]+(-[a-z]+)*$'),
    table_name text NOT NULL,
    walk       text NOT NULL CHECK (walk IN ('time', 'place')), -- by an index on at, or from page to page
    row_locks  boolean NOT NULL DEFAULT true,    -- false: the table is another's, who lets us only delete
    cutoff     interval NOT NULL,                -- rows younger than this stay; 0: at says when they go
    cutoff_max interval NOT NULL,                -- the longest that can be asked for; 0: none can
    batch_size int NOT NULL CHECK (batch_size BETWEEN 1 AND 100000),
    budget     interval NOT NULL DEFAULT '1 hour', -- of one run
    created_at timestamptz NOT NULL DEFAULT now()
);

INSERT INTO retention_policies (job_name, table_name, walk, cutoff, cutoff_max, batch_size)
SELECT * FROM (VALUES
       ('trade-events', 'trade_events', 'time', interval '90 days', interval '365 days', 10000),
       ('job-runs', 'job_runs', 'place', '30 days', '365 days', 10000),
       ('match-runs', 'match_runs', 'time', '180 days', '730 days', 10000),
       ('idempotency-keys', 'idempotency_keys', 'time', '0', '0', 10000),
       ('datasets', 'datasets', 'place', '7 days', '365 days', 10),
       ('dataset-pieces', 'dataset_pieces', 'place', '7 days', '365 days', 100),
       ('explanations', 'explanations', 'place', '180 days', '730 days', 10000),
       ('backtest-runs', 'backtest_runs', 'place', '365 days', '730 days', 10000),
       ('retention-log', 'retention_job_log', 'place', '365 days', '730 days', 10000)) v
 WHERE NOT EXISTS (SELECT 1 FROM retention_policies);

-- One row a run. finished_at null: it runs, or was cut off, which the next run of the job notes.
CREATE TABLE IF NOT EXISTS retention_job_log (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    job_name      text NOT NULL,
    started_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at   timestamptz,
    dry_run       boolean NOT NULL,
    cutoff        interval,
    before        timestamptz,                -- what is older goes
    batch_size    int,
    deleted_count bigint NOT NULL DEFAULT 0,  -- of a dry run: what would be
    ok            boolean,                    -- null, when finished: did nothing, another run was under way
    error         text,                       -- for people
    duration_ms   bigint,
    who           text NOT NULL CHECK (who IN ('cron', 'actor', 'admin', 'cli', 'sql'))
);
CREATE INDEX IF NOT EXISTS retention_job_log_recent ON retention_job_log (job_name, started_at DESC);
CREATE INDEX IF NOT EXISTS retention_job_log_all ON retention_job_log (started_at DESC, id);
