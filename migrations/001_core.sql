-- Who works here, and with which strategies.

CREATE TABLE IF NOT EXISTS workspaces (
    id         uuid PRIMARY KEY,
    name       text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

INSERT INTO workspaces (id, name)
VALUES ('00000000-0000-0000-0000-000000000001', 'development')
ON CONFLICT (id) DO NOTHING;

CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- The text of a strategy that is searched: bounded, whatever somebody wrote. It stands here and not
-- in functions/ because a column is made of it: a change of it is a migration that makes the column
-- anew. Immutable: its parts are texts.
CREATE OR REPLACE FUNCTION strategy_text(p_name text, p_description text, p_tags text[])
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT translate(left(p_name, 200) || ' ' || left(array_to_string(p_tags, ' '), 4000), '_', ' ')
           || ' ' || left(p_description, 4000)
$$;

-- spec is what config/strategies/README.md describes; description and tags follow it. words is what
-- a question finds a strategy by. workspace_id null: everyone may use it.
CREATE TABLE IF NOT EXISTS strategies (
    id           uuid PRIMARY KEY,
    workspace_id uuid REFERENCES workspaces (id) ON DELETE CASCADE,
    name         text NOT NULL,
    spec         json NOT NULL, -- not jsonb: the order of params and indicators has a meaning
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    description  text NOT NULL DEFAULT '',
    tags         text[] NOT NULL DEFAULT '{}',
    words        tsvector GENERATED ALWAYS AS (
                     to_tsvector('english'::regconfig, strategy_text(name, description, tags))) STORED
);
CREATE UNIQUE INDEX IF NOT EXISTS strategies_name ON strategies (name) WHERE workspace_id IS NULL;
CREATE INDEX IF NOT EXISTS strategies_words ON strategies USING gin (words);
CREATE INDEX IF NOT EXISTS strategies_tags ON strategies USING gin (tags);
