-- Questions about strategies, with what was found; those that found too little are worked off.

CREATE TABLE IF NOT EXISTS match_runs (
    id                     uuid PRIMARY KEY,
    workspace_id           uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    created_at             timestamptz NOT NULL DEFAULT now(),
    updated_at             timestamptz NOT NULL DEFAULT now(),
    intent                 jsonb NOT NULL,
    intent_signature       text NOT NULL,
    query                  text NOT NULL,
    source_ref             text,
    top_k                  int NOT NULL,
    best_score             float8,            -- null: nothing was found
    avg_top_score          float8,
    num_above_threshold    int NOT NULL,
    weak_coverage          boolean NOT NULL,
    reason_codes           text[] NOT NULL,
    candidate_strategy_ids uuid[] NOT NULL,   -- the best first
    candidate_scores       jsonb NOT NULL,    -- {"<uuid>": {"score": 0.5, "matched_tags": ["a"]}}
    coverage_status        text NOT NULL DEFAULT 'open'
                           CHECK (coverage_status IN ('open', 'acknowledged', 'resolved')),
    priority_score         float8 NOT NULL,   -- without what its age adds: match_priority_now
    acknowledged_at        timestamptz,
    acknowledged_by        text,
    resolved_at            timestamptz,
    resolved_by            text,
    resolution_note        text
);

-- The queue, from the index alone: its order changes with time.
CREATE INDEX IF NOT EXISTS match_runs_weak
    ON match_runs (workspace_id, coverage_status, priority_score, created_at, id) WHERE weak_coverage;
-- What a good match of the same intent resolves.
CREATE INDEX IF NOT EXISTS match_runs_open
    ON match_runs (workspace_id, intent_signature) WHERE weak_coverage AND coverage_status = 'open';
-- The oldest that retention may take.
CREATE INDEX IF NOT EXISTS match_runs_expiring ON match_runs (created_at)
    WHERE coverage_status = 'resolved';
