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
    finished_at        timestamptz
);
CREATE INDEX IF NOT EXISTS backtest_tunes_recent ON backtest_tunes (workspace_id, created_at DESC, id);

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

CREATE OR REPLACE FUNCTION tune_job_accepted() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_request jsonb;
BEGIN
    BEGIN
        v_request := convert_from(NEW.body, 'UTF8')::jsonb;
        INSERT INTO backtest_tunes (id, workspace_id, strategy_entity_id, strategy_name, search_type,
                                    objective_type, oos_ratio, n_trials, request)
        VALUES (NEW.id, NEW.workspace_id, (v_request ->> 'strategy_entity_id')::uuid,
                v_request #>> '{strategy,name}', v_request ->> 'search_type',
                v_request ->> 'objective_type', (v_request ->> 'oos_ratio')::float8,
                (v_request ->> 'n_trials')::int, v_request - 'strategy');
    EXCEPTION
        WHEN foreign_key_violation THEN
            PERFORM tm_refuse('WORKSPACE_NOT_FOUND', 'there is no workspace with this id');
        WHEN data_exception OR not_null_violation OR character_not_in_repertoire THEN
            PERFORM tm_refuse('BAD_REQUEST', 'the body of a tune job is not a tune request');
    END;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER jobs_tune_accepted AFTER INSERT ON jobs
    FOR EACH ROW WHEN (NEW.queue = 'tune') EXECUTE FUNCTION tune_job_accepted();

CREATE OR REPLACE FUNCTION tune_job_died() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE backtest_tunes
       SET status = CASE NEW.code WHEN 'CANCELED' THEN 'canceled' ELSE 'failed' END,
           error_code = NEW.code, error_detail = NEW.detail, finished_at = now()
     WHERE id = NEW.id AND status IN ('queued', 'running');
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER dead_jobs_tune_died AFTER INSERT ON dead_jobs
    FOR EACH ROW WHEN (NEW.queue = 'tune') EXECUTE FUNCTION tune_job_died();

-- What API.md calls summary, from one trial's metrics.
CREATE OR REPLACE FUNCTION tune_summary(p_names text[], p_values float8[]) RETURNS json
LANGUAGE sql IMMUTABLE AS $$
    SELECT json_object_agg(k, tm_number(p_values[array_position(p_names, k)]) ORDER BY i)
      FROM unnest('{return_pct,max_drawdown_pct,sharpe,win_rate,trades,buy_hold_return_pct,avg_trade_pct,profit_factor}'::text[])
           WITH ORDINALITY AS t (k, i)
$$;

-- The TuneResponse of the HTTP contract. A finished tune always gives the same bytes.
CREATE OR REPLACE FUNCTION tune_response(t backtest_tunes, p_leaders int) RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'tune_id', t.id, 'status', t.status, 'search_type', t.search_type,
        'n_trials', t.n_trials, 'trials_completed', t.trials_completed,
        'best_run_id', t.best_run_id, 'best_params', t.best_params,
        'best_score', tm_number(t.best_score),
        'leaderboard', coalesce((
            SELECT json_agg(json_build_object(
                       'rank', r.rank, 'run_id', r.run_id,
                       'params', tm_object(t.param_names, r.params), 'score', tm_number(r.score),
                       'summary', tune_summary(t.metric_names, coalesce(r.metrics_oos, r.metrics_is)))
                       ORDER BY r.rank)
              FROM backtest_tune_runs r
             WHERE r.tune_id = t.id AND r.rank <= p_leaders), '[]'::json),
        'counts', json_build_object(
            'queued', CASE WHEN t.status = 'queued' THEN t.n_trials ELSE 0 END,
            'running', CASE WHEN t.status = 'running' THEN t.n_trials - t.trials_completed ELSE 0 END,
            'completed', CASE WHEN t.status = 'running' THEN t.trials_completed ELSE t.count_completed END,
            'failed', t.count_failed, 'skipped', t.count_skipped),
        'gates', t.gates, 'warnings', t.warnings,
        'progress', json_build_object(
            'done', t.trials_completed, 'total', t.n_trials,
            'trials_per_second', (SELECT CASE WHEN s > 0 THEN round((t.trials_completed / s)::numeric, 1) END
                                    FROM (SELECT extract(epoch FROM coalesce(t.finished_at, now()) - t.started_at)) q (s)),
            'eta_seconds', CASE
                WHEN t.status = 'running' AND t.trials_completed > 0 THEN
                    round((extract(epoch FROM now() - t.started_at)
                           * (t.n_trials - t.trials_completed) / t.trials_completed)::numeric, 1)
                WHEN t.status IN ('queued', 'running') THEN NULL
                ELSE 0 END),
        'overfit', t.overfit, 'dataset', t.dataset, 'timing', t.timing,
        'strategy_entity_id', t.strategy_entity_id, 'strategy_name', t.strategy_name,
        'objective_type', t.objective_type, 'oos_ratio', t.oos_ratio,
        'created_at', tm_time(t.created_at), 'started_at', tm_time(t.started_at),
        'finished_at', tm_time(t.finished_at),
        'error', CASE WHEN t.error_code IS NOT NULL
                 THEN json_build_object('code', t.error_code, 'detail', t.error_detail) END)
$$;

-- One trial as GET /backtests/tunes/{id}/runs shows it.
CREATE OR REPLACE FUNCTION tune_run_response(t backtest_tunes, r backtest_tune_runs) RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'trial_index', r.trial_index, 'run_id', r.run_id,
        'params', tm_object(t.param_names, r.params), 'rank', r.rank,
        'score', tm_number(r.score), 'score_is', tm_number(r.score_is),
        'score_oos', tm_number(r.score_oos), 'objective_score', tm_number(r.objective_score),
        'overfit_gap', tm_number(r.overfit_gap),
        'metrics_is', CASE WHEN r.metrics_is IS NOT NULL THEN tm_object(t.metric_names, r.metrics_is) END,
        'metrics_oos', CASE WHEN r.metrics_oos IS NOT NULL THEN tm_object(t.metric_names, r.metrics_oos) END,
        'status', r.status,
        'skip_reason', CASE WHEN r.status = 'skipped' THEN r.reason END,
        'failed_reason', CASE WHEN r.status = 'failed' THEN r.reason END)
$$;
