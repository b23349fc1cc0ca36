-- Back-tests of their own are listed, the newest first.

CREATE INDEX IF NOT EXISTS backtest_runs_listed ON backtest_runs (workspace_id, created_at DESC, id);
