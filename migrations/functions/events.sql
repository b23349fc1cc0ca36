-- Events on their way: left by whoever changes something, numbered by a publisher.

-- Leaves an event in the caller's transaction.
CREATE OR REPLACE FUNCTION event_emit(p_topic text, p_workspace uuid, p_payload jsonb)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO event_outbox (topic, workspace_id, payload)
    VALUES (p_topic, p_workspace, p_payload);
    PERFORM pg_notify('tunemill_outbox', '');
END $$;

-- Numbers up to p_limit events, and tells the readers. Returns how many.
CREATE OR REPLACE FUNCTION events_publish(p_limit bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    v_last  bigint;
    v_count bigint;
BEGIN
    SELECT last_id INTO v_last FROM event_log FOR UPDATE; -- what is read below is read after it
    WITH taken AS (
        DELETE FROM event_outbox WHERE seq IN
               (SELECT seq FROM event_outbox ORDER BY seq LIMIT p_limit)
        RETURNING *)
    INSERT INTO events (id, topic, workspace_id, payload, created_at)
    SELECT v_last + row_number() OVER (ORDER BY seq), topic, workspace_id, payload, created_at
      FROM taken;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    IF v_count > 0 THEN
        UPDATE event_log SET last_id = v_last + v_count;
        PERFORM pg_notify('tunemill_events', (v_last + v_count)::text);
    END IF;
    RETURN v_count;
END $$;

-- What a reader is told of an event.
CREATE OR REPLACE FUNCTION event_text(p_id bigint, p_topic text, p_workspace uuid, p_payload jsonb,
                                      p_at timestamptz) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT json_build_object('id', p_id::text, 'topic', p_topic, 'workspace_id', p_workspace,
                             'timestamp', tm_time(p_at), 'payload', p_payload)::text
$$;

-- A job of the queue `events` is an event: {topic, workspace_id, payload}. It is left and the job
-- ends in one transaction, so that what follows another job by its DONE arrives once.
CREATE OR REPLACE FUNCTION event_job(p_id uuid, p_attempt int, p_workspace uuid, p_body bytea)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_event jsonb;
BEGIN
    BEGIN
        v_event := convert_from(p_body, 'UTF8')::jsonb;
        PERFORM event_emit(v_event ->> 'topic', p_workspace, v_event -> 'payload');
    EXCEPTION WHEN data_exception OR not_null_violation OR check_violation
                OR character_not_in_repertoire OR untranslatable_character THEN
        PERFORM tm_refuse('BAD_REQUEST',
                          'the body of an events job is {"topic": "a.b", "payload": {...}}');
    END;
    PERFORM job_finish(p_id, p_attempt, NULL);
END $$;

-- --- tunes ----------------------------------------------------------------------------------

-- Each change of a tune's status is an event of its own transaction.
CREATE OR REPLACE FUNCTION tune_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM event_emit(
        'backtest.tune.' || CASE NEW.status WHEN 'running' THEN 'started' ELSE NEW.status END,
        NEW.workspace_id, tune_response(NEW, 0)::jsonb);
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER backtest_tunes_added AFTER INSERT ON backtest_tunes
    FOR EACH ROW EXECUTE FUNCTION tune_changed();

CREATE OR REPLACE TRIGGER backtest_tunes_changed AFTER UPDATE OF status ON backtest_tunes
    FOR EACH ROW WHEN (NEW.status IS DISTINCT FROM OLD.status) EXECUTE FUNCTION tune_changed();

-- How far a tune is: for people, and so not worth waiting for a disk.
CREATE OR REPLACE FUNCTION tune_progressed(p_id uuid, p_attempt bigint, p_progress jsonb)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_workspace uuid;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT workspace_id INTO v_workspace FROM backtest_tunes
     WHERE id = p_id AND attempt = p_attempt AND status = 'running';
    IF FOUND THEN
        PERFORM event_emit('backtest.tune.progress', v_workspace,
                           jsonb_build_object('tune_id', p_id, 'status', 'running') || p_progress);
    END IF;
END $$;
