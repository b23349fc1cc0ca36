-- Price data, stored once per content. Pieces of 1 MiB arrive first, in any order and as often
-- as anyone sends them; the row in datasets is written when all are there and the hash is right.

CREATE TABLE IF NOT EXISTS dataset_pieces (
    sha256 bytea NOT NULL,
    piece  int NOT NULL,
    data   bytea NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (sha256, piece)
);
ALTER TABLE dataset_pieces ALTER COLUMN data SET STORAGE EXTERNAL;

CREATE TABLE IF NOT EXISTS datasets (
    sha256     bytea PRIMARY KEY,
    size       bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- When somebody last had it or wanted to store it, to the day: whoever sends it does so before
    -- anything refers to it.
    used_at    timestamptz NOT NULL DEFAULT now()
);
