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
    created_at timestamptz NOT NULL DEFAULT now()
);

-- True when the dataset is complete. False: pieces are missing yet. Refuses, and forgets the
-- pieces, when all are there and do not have the hash they were sent under.
CREATE OR REPLACE FUNCTION dataset_complete(p_sha256 bytea, p_size bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    v_size bigint;
    v_hash bytea;
BEGIN
    PERFORM 1 FROM datasets WHERE sha256 = p_sha256;
    IF FOUND THEN
        RETURN true;
    END IF;
    SELECT coalesce(sum(length(data)), 0) INTO v_size FROM dataset_pieces WHERE sha256 = p_sha256;
    IF v_size < p_size THEN
        RETURN false;
    END IF;
    SELECT sha256(string_agg(data, ''::bytea ORDER BY piece)) INTO v_hash
      FROM dataset_pieces WHERE sha256 = p_sha256;
    IF v_hash IS DISTINCT FROM p_sha256 THEN
        DELETE FROM dataset_pieces WHERE sha256 = p_sha256;
        RETURN NULL;
    END IF;
    INSERT INTO datasets (sha256, size) VALUES (p_sha256, v_size) ON CONFLICT DO NOTHING;
    RETURN true;
END $$;
