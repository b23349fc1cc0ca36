-- What a strategy's runs and orders did, for the record: nobody here writes it yet.

CREATE TABLE IF NOT EXISTS trade_events (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    workspace_id uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    strategy_id  uuid,
    run_id       uuid,
    event_type   text NOT NULL CHECK (event_type ~ '^[A-Z][A-Z0-9_]{0,63}$'), -- RUN_STARTED, ORDER_FILLED
    payload      jsonb NOT NULL DEFAULT '{}',
    pinned       boolean NOT NULL DEFAULT false, -- kept whatever its age
    created_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS trade_events_run ON trade_events (run_id, created_at) WHERE run_id IS NOT NULL;

-- The oldest that retention may take: orders are kept for good.
CREATE INDEX IF NOT EXISTS trade_events_expiring ON trade_events (created_at)
    WHERE event_type LIKE 'RUN\_%' AND NOT pinned;
