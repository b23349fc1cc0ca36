-- A broker that is alone counts the running jobs of a limited queue's workspaces by itself.

-- What it wrote while it thought so must not commit if it was wrong: no other broker may have lived
-- since p_since_us (microseconds since 1970). The caller holds the lock under which others count.
CREATE OR REPLACE FUNCTION broker_is_alone(p_id uuid, p_since_us bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM brokers WHERE id <> p_id AND (gone_at IS NULL
                  OR gone_at > timestamptz 'epoch' + p_since_us * interval '1 microsecond')) THEN
        RAISE EXCEPTION 'another broker is there' USING ERRCODE = 'serialization_failure';
    END IF;
END $$;
