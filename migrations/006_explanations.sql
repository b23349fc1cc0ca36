-- What language models wrote, and what it cost.

-- The text for a subject, kept for as long as the question is the same: prompt_hash is that of the
-- whole prompt, facts included, so a strategy or tune that changed is not explained by an old text.
CREATE TABLE IF NOT EXISTS explanations (
    workspace_id uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    kind         text NOT NULL CHECK (kind IN ('match', 'tune')),
    subject      text NOT NULL,              -- RUN:STRATEGY, or TUNE
    verbosity    text NOT NULL CHECK (verbosity IN ('short', 'detailed')),
    prompt_hash  bytea NOT NULL,
    body         text NOT NULL,
    provider     text NOT NULL,
    model        text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, kind, subject, verbosity)
);
CREATE INDEX IF NOT EXISTS explanations_oldest ON explanations (workspace_id, created_at);

-- What a workspace has used on a day (UTC): the most that a question can cost is added before it is
-- asked, and what it did not cost is taken off again when it has ended. A process that dies between
-- the two leaves the most; nothing is ever counted too low.
CREATE TABLE IF NOT EXISTS llm_budget (
    workspace_id uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    day          date NOT NULL,
    tokens       bigint NOT NULL,
    microdollars bigint NOT NULL,
    PRIMARY KEY (workspace_id, day)
);
