-- One row a key. It commits with the job it guards; the answer is kept once it is final, so that
-- a replay gives the same bytes.

CREATE TABLE IF NOT EXISTS idempotency_keys (
    workspace_id    uuid NOT NULL,
    scope           text NOT NULL,
    key             text NOT NULL,
    request_hash    bytea NOT NULL,
    job_id          uuid NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    expires_at      timestamptz NOT NULL,
    response_status int,
    response_body   bytea,
    PRIMARY KEY (workspace_id, scope, key)
);
CREATE INDEX IF NOT EXISTS idempotency_keys_expiry ON idempotency_keys (expires_at);
CREATE INDEX IF NOT EXISTS idempotency_keys_job ON idempotency_keys (job_id);
