-- When a dataset is complete, and what goes with it.

-- True when the dataset is complete; whoever finds it so has used it. False: pieces are missing yet.
-- Refuses (null), and forgets the pieces, when all are there and do not have the hash they were sent
-- under.
CREATE OR REPLACE FUNCTION dataset_complete(p_sha256 bytea, p_size bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    v_size bigint;
    v_hash bytea;
BEGIN
    UPDATE datasets SET used_at = now() WHERE sha256 = p_sha256 AND used_at < now() - interval '1 day';
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

CREATE OR REPLACE FUNCTION dataset_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM dataset_pieces WHERE sha256 = OLD.sha256;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER datasets_gone AFTER DELETE ON datasets
    FOR EACH ROW EXECUTE FUNCTION dataset_gone();
