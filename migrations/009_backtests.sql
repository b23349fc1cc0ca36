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
