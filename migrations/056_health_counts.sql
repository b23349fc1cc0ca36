-- What the health page says of the last hour, so that it is true of an hour in which its process was started
-- anew. One process at a time adds to it, and takes away what is older.

CREATE TABLE IF NOT EXISTS health_counts (
    name text NOT NULL,
    at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    n    bigint NOT NULL CHECK (n > 0)
);
CREATE INDEX IF NOT EXISTS health_counts_at ON health_counts (at);
