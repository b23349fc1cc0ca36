-- Events: what people watch. Whoever changes something leaves its event in event_outbox, in the
-- same transaction; a publisher moves it to events and gives it the next number. Numbers have no
-- gaps and are given in the order of commit, so that who has seen number n has seen all before it.

CREATE TABLE IF NOT EXISTS event_outbox (
    seq          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic        text NOT NULL CHECK (topic ~ '^[a-z0-9_]+(\.[a-z0-9_]+)+$' AND length(topic) <= 64),
    workspace_id uuid NOT NULL,
    payload      jsonb NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE IF NOT EXISTS events (
    id           bigint PRIMARY KEY,
    topic        text NOT NULL,
    workspace_id uuid NOT NULL,
    payload      jsonb NOT NULL,
    created_at   timestamptz NOT NULL
);

-- One row: the number last given. Its lock lets one publisher number at a time.
CREATE TABLE IF NOT EXISTS event_log (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    last_id bigint NOT NULL DEFAULT 0
);
INSERT INTO event_log DEFAULT VALUES ON CONFLICT DO NOTHING;

-- Both tables are written and emptied all the time.
ALTER TABLE event_outbox SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
                              autovacuum_vacuum_cost_delay = 0);
ALTER TABLE event_log SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0,
                           autovacuum_vacuum_threshold = 2000);
