-- A tune's row follows its job; and how tunes and trials are answered.

CREATE OR REPLACE FUNCTION tune_job_accepted() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_request jsonb;
BEGIN
    BEGIN
        v_request := convert_from(NEW.body, 'UTF8')::jsonb;
        IF v_request -> 'seed' IS NULL OR v_request -> 'seed' = 'null' THEN -- drawn once, for every attempt
            v_request := v_request || jsonb_build_object('seed',
                ('x' || left(md5(NEW.id::text), 7))::bit(28)::int);
        END IF;
        IF v_request -> 'strategy' IS NOT NULL THEN
            v_request := v_request || jsonb_build_object('strategy_version', strategy_version((v_request -> 'strategy')::json));
        END IF;
        INSERT INTO backtest_tunes (id, workspace_id, strategy_entity_id, strategy_name, search_type,
                                    objective_type, oos_ratio, n_trials, request)
        VALUES (NEW.id, NEW.workspace_id, (v_request ->> 'strategy_entity_id')::uuid,
                v_request #>> '{strategy,name}', v_request ->> 'search_type',
                v_request ->> 'objective_type', (v_request ->> 'oos_ratio')::float8,
                CASE v_request ->> 'search_type' WHEN 'grid' -- whose points are not counted yet
                    THEN coalesce((v_request ->> 'n_trials')::int, 0)
                    ELSE (v_request ->> 'n_trials')::int END, v_request - 'strategy');
    EXCEPTION
        WHEN foreign_key_violation THEN
            PERFORM tm_refuse('WORKSPACE_NOT_FOUND', 'there is no workspace with this id');
        WHEN data_exception OR not_null_violation OR character_not_in_repertoire THEN
            PERFORM tm_refuse('BAD_REQUEST', 'the body of a tune job is not a tune request');
    END;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER jobs_tune_accepted AFTER INSERT ON jobs
    FOR EACH ROW WHEN (NEW.queue = 'tune' AND NEW.attempt <= 1 AND NEW.last_code IS NULL)
    EXECUTE FUNCTION tune_job_accepted();

CREATE OR REPLACE FUNCTION tune_job_died() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE backtest_tunes
       SET status = CASE NEW.code WHEN 'CANCELED' THEN 'canceled' ELSE 'failed' END,
           error_code = NEW.code, error_detail = NEW.detail, is_rejected = false,
           finished_at = now()
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

-- The figures of the part of the bars that chose the winner: the in-sample one or the whole, and
-- the out-of-sample one where the tune was told so (or an older version ran it).
CREATE OR REPLACE FUNCTION tune_choosing(t backtest_tunes, r backtest_tune_runs) RETURNS float8[]
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN t.gates ->> 'evaluated_on' = 'oos' THEN coalesce(r.metrics_oos, r.metrics_is)
                ELSE r.metrics_is END
$$;

-- Two specs that say the same have the same one, however they are written. Null: it says what
-- jsonb cannot, a number too large or a character NUL.
CREATE OR REPLACE FUNCTION strategy_version(p_spec json) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN left(encode(sha256(convert_to((p_spec::jsonb)::text, 'UTF8')), 'hex'), 12);
EXCEPTION
    WHEN data_exception THEN
        RETURN NULL;
END $$;

-- All that was asked for: what was not said is null, or what stands for it.
CREATE OR REPLACE FUNCTION tune_asked(t backtest_tunes) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT '{"param_space": null, "oos_ratio": null, "select_on": "is", "gates": null, "date_from": null,
             "date_to": null, "timezone": null, "symbol": null, "strategy_version": null}'::jsonb
           || t.request
           || CASE WHEN t.strategy IS NULL THEN '{}'::jsonb
                   ELSE jsonb_build_object('strategy_version', strategy_version(t.strategy)) END
$$;

-- The body of a job that asks the same again, of the strategy as it was: the order of its
-- members has a meaning, so it is joined as text.
CREATE OR REPLACE FUNCTION tune_again(t backtest_tunes) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT left(r, -1) || coalesce(', "strategy": ' || s, '') || '}'
      FROM (SELECT (t.request - 'strategy_version')::text,
                   coalesce(t.strategy::text, (SELECT spec::text FROM strategies WHERE id = t.strategy_entity_id))) q (r, s)
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
                       'objective_score', tm_number(r.objective_score),
                       'score_is', tm_number(r.score_is), 'score_oos', tm_number(r.score_oos),
                       'overfit_gap', tm_number(r.overfit_gap),
                       'summary', tune_summary(t.metric_names, tune_choosing(t, r)),
                       'summary_oos', CASE WHEN r.metrics_oos IS NOT NULL
                                      THEN tune_summary(t.metric_names, r.metrics_oos) END)
                       ORDER BY r.rank)
              FROM backtest_tune_runs r
             WHERE r.tune_id = t.id AND r.rank <= p_leaders), '[]'::json),
        'counts', json_build_object(
            'queued', CASE WHEN t.status = 'queued' THEN t.n_trials ELSE 0 END,
            'running', CASE WHEN t.status = 'running' THEN t.n_trials - t.trials_completed ELSE 0 END,
            'completed', CASE WHEN t.status = 'running' THEN t.trials_completed ELSE t.count_completed END,
            'failed', t.count_failed, 'skipped', t.count_skipped,
            'duplicates', coalesce((t.overfit ->> 'duplicates')::bigint, 0)),
        'gates', t.gates, 'rejections', t.rejections, 'warnings', t.warnings,
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
        'request', tune_asked(t),
        'error', CASE WHEN t.error_code IS NOT NULL
                 THEN json_build_object('code', t.error_code, 'detail', t.error_detail,
                                        'rejected', t.is_rejected, 'errors', coalesce(t.faults, '[]')) END)
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

-- A tune whose job was canceled or rejected, or is tried again after it had died. To the contract a
-- tune that was rejected has failed, and its error says that it was.
CREATE OR REPLACE FUNCTION tune_job_canceled() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE backtest_tunes
       SET status = 'canceled', error_code = 'CANCELED', error_detail = 'the tune was canceled',
           finished_at = now()
     WHERE id = NEW.id AND status IN ('queued', 'running');
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER job_runs_tune_canceled AFTER INSERT ON job_runs
    FOR EACH ROW WHEN (NEW.queue = 'tune' AND NEW.outcome = 'canceled' AND NEW.result IS NULL)
    EXECUTE FUNCTION tune_job_canceled(); -- with a result, its worker writes the tune itself

CREATE OR REPLACE FUNCTION tune_job_rejected() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE backtest_tunes
       SET status = 'failed', error_code = NEW.code, error_detail = NEW.detail,
           is_rejected = true, finished_at = now()
     WHERE id = NEW.id AND status IN ('queued', 'running');
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER job_runs_tune_rejected AFTER INSERT ON job_runs
    FOR EACH ROW WHEN (NEW.queue = 'tune' AND NEW.outcome = 'rejected')
    EXECUTE FUNCTION tune_job_rejected();

CREATE OR REPLACE FUNCTION tune_job_again() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE backtest_tunes
       SET status = 'queued', error_code = NULL, error_detail = NULL, faults = NULL,
           finished_at = NULL
     WHERE id = NEW.id AND status IN ('failed', 'canceled');
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER jobs_tune_again AFTER INSERT ON jobs
    FOR EACH ROW WHEN (NEW.queue = 'tune' AND NEW.last_code IS NOT NULL)
    EXECUTE FUNCTION tune_job_again();

-- Which trial of a tune has this id: run ids are made from the tune's, whose last four bytes are
-- XORed with the trial's index plus one. Meaningless when the other bytes are not the same.
CREATE OR REPLACE FUNCTION tune_trial_of(p_tune uuid, p_run uuid) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (('x' || right(p_tune::text, 8))::bit(32) # ('x' || right(p_run::text, 8))::bit(32))::bigint - 1
$$;
