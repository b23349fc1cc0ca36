-- Tunes and their trials. A tune's id is its job's id. The row appears in the transaction that
-- makes the job durable, whoever enqueues it, and its fate follows the job's.

CREATE TABLE IF NOT EXISTS backtest_tunes (
    id                 uuid PRIMARY KEY,
    workspace_id       uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    strategy_entity_id uuid,
    strategy_name      text,
    status             text NOT NULL DEFAULT 'queued'
                       CHECK (status IN ('queued', 'running', 'completed', 'failed', 'canceled')),
    search_type        text NOT NULL,
    objective_type     text NOT NULL,
    oos_ratio          float8,
    n_trials           int NOT NULL,
    trials_completed   int NOT NULL DEFAULT 0,   -- computed so far, whatever their outcome
    request            jsonb NOT NULL,
    attempt            int NOT NULL DEFAULT 0,   -- of the job that wrote what stands here
    param_names        text[] NOT NULL DEFAULT '{}',
    metric_names       text[] NOT NULL DEFAULT '{}',
    count_completed    int NOT NULL DEFAULT 0,
    count_failed       int NOT NULL DEFAULT 0,
    count_skipped      int NOT NULL DEFAULT 0,
    best_run_id        uuid,
    best_params        json,
    best_score         float8,
    gates              json,
    overfit            json,
    dataset            json,
    timing             json,
    warnings           json NOT NULL DEFAULT '[]',
    error_code         text,
    error_detail       text,
    created_at         timestamptz NOT NULL DEFAULT now(),
    started_at         timestamptz,
    finished_at        timestamptz,
    -- The spec that the trials were computed with, whatever has become of the strategy since. Not
    -- jsonb: the order of params and indicators has a meaning.
    strategy           json
);
CREATE INDEX IF NOT EXISTS backtest_tunes_recent ON backtest_tunes (workspace_id, created_at DESC, id);
-- The tunes of one strategy.
CREATE INDEX IF NOT EXISTS backtest_tunes_strategy
    ON backtest_tunes (workspace_id, strategy_entity_id) WHERE status = 'completed';
CREATE INDEX IF NOT EXISTS backtest_tunes_dataset ON backtest_tunes (lower(request ->> 'dataset_sha256'));
-- Tunes are few, and asked for by when they ended or whether they have.
CREATE INDEX IF NOT EXISTS backtest_tunes_finished ON backtest_tunes (finished_at)
    INCLUDE (status, started_at);
CREATE INDEX IF NOT EXISTS backtest_tunes_active ON backtest_tunes (status)
    WHERE status IN ('queued', 'running');

-- One row a trial. params and metrics stand in the order of the tune's param_names, metric_names;
-- an undefined metric is NaN. metrics_is: in-sample, or the whole series when not split.
CREATE TABLE IF NOT EXISTS backtest_tune_runs (
    tune_id         uuid NOT NULL REFERENCES backtest_tunes (id) ON DELETE CASCADE,
    trial_index     int NOT NULL,
    run_id          uuid NOT NULL,
    status          text NOT NULL CHECK (status IN ('completed', 'failed', 'skipped')),
    rank            int,                          -- in the tune's leaderboard, from 1
    params          float8[] NOT NULL,
    score           float8,
    score_is        float8,
    score_oos       float8,
    objective_score float8,
    overfit_gap     float8,
    metrics_is      float8[],
    metrics_oos     float8[],
    reason          text,                         -- why skipped or failed
    PRIMARY KEY (tune_id, trial_index)
);
CREATE INDEX IF NOT EXISTS backtest_tune_runs_best
    ON backtest_tune_runs (objective_score DESC) WHERE rank IS NOT NULL;
-- The leaders of a tune, without a look at its other trials.
CREATE INDEX IF NOT EXISTS backtest_tune_runs_leaders
    ON backtest_tune_runs (tune_id, rank) WHERE rank IS NOT NULL;

-- Back-tests of their own: what was asked for, the strategy's spec and the params with it. Their
-- figures are computed when somebody wants to see them, as those of a trial are.
CREATE TABLE IF NOT EXISTS backtest_runs (
    id                 uuid PRIMARY KEY,
    workspace_id       uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    strategy_entity_id uuid,
    strategy_name      text,
    request            json NOT NULL,
    created_at         timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS backtest_runs_dataset ON backtest_runs (lower(request ->> 'dataset_sha256'));
