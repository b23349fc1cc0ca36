-- Retention: what is deleted, from which age on, and by what.
--
-- A policy is a row of retention_policies and a view retention_<job> with the columns place (ctid)
-- and at: the rows that may go at all, and the time their age is counted from. Everything below goes
-- by these two. What others prune is not here: events (the publisher keeps events.keep of them),
-- llm_budget and the surplus of explanations (the explain process), brokers (the brokers).
--
-- Two ways to run a job, both leaving a row in retention_job_log:
--   CALL retention_run(job)       commits after each batch: pg_cron, the retention process, people
--   SELECT retention_prune_...()  all in the caller's transaction
--
-- What PostgreSQL makes hard here, and what is done about it:
--   1 A row inserted in a block whose EXCEPTION clause catches an error is rolled back: the log's row
--     is inserted outside of such a block, and completed outside of it.
--   2 Only a procedure can commit, so retention_run is one.
--   3 A block with an EXCEPTION clause cannot hold a COMMIT: only retention_step, a function that has
--     returned by then, has one.
--   4 Nor can a procedure with a SET clause, of SECURITY DEFINER, called from a function or within
--     BEGIN: retention_run has neither; lock_timeout is a clause of retention_step.
--   5 Two statements in one simple query are a transaction: pg_cron is given the CALL alone.
--   6 pg_advisory_xact_lock ends with the first COMMIT: retention_run takes a session's lock, tried
--     and not waited for. It outlives an error, so steps catch theirs, and the programs that keep a
--     session unlock all when a CALL has failed. The session's end is the lock's.
--   7 now() moves with each COMMIT: the cutoff is taken once, into the log's row.
--   8 pg_cron keeps no time zone but GMT, makes up no missed run and never empties its own log: times
--     are UTC, the retention process makes up, and job cron-runs empties it.
--   9 A table that fails must not stop the others: each job is a CALL of its own.
--  10 A long transaction holds up vacuum and others: batches, which become smaller when they take
--     longer than a quarter of a second and do not wait for the disk (what a crash brings back, the
--     next run deletes); rows that somebody has are skipped, no lock is waited for longer than 2 s,
--     there is a limit of time, and the next run goes on.

-- --- what may go ----------------------------------------------------------------------------
CREATE OR REPLACE VIEW retention_trade_events AS
    SELECT ctid AS place, created_at AS at FROM trade_events
     WHERE event_type LIKE 'RUN\_%' AND NOT pinned;

-- A run stays while a key leads to it, and while the job waits that it is a child of.
CREATE OR REPLACE VIEW retention_job_runs AS
    SELECT ctid AS place, finished_at AS at FROM job_runs r
     WHERE NOT EXISTS (SELECT 1 FROM idempotency_keys k WHERE k.job_id = r.id AND k.expires_at > now())
       AND NOT EXISTS (SELECT 1 FROM jobs p WHERE p.id = r.parent_id);

CREATE OR REPLACE VIEW retention_match_runs AS
    SELECT ctid AS place, created_at AS at FROM match_runs WHERE coverage_status = 'resolved';

CREATE OR REPLACE VIEW retention_idempotency_keys AS
    SELECT ctid AS place, expires_at AS at FROM idempotency_keys;

CREATE OR REPLACE VIEW retention_explanations AS
    SELECT ctid AS place, created_at AS at FROM explanations;

CREATE OR REPLACE VIEW retention_backtest_runs AS
    SELECT ctid AS place, created_at AS at FROM backtest_runs;

CREATE OR REPLACE VIEW retention_retention_log AS
    SELECT ctid AS place, started_at AS at FROM retention_job_log;

CREATE OR REPLACE VIEW retention_datasets AS
    SELECT ctid AS place, used_at AS at FROM datasets d
     WHERE NOT EXISTS (SELECT 1 FROM backtest_tunes t
                        WHERE lower(t.request ->> 'dataset_sha256') = encode(d.sha256, 'hex'))
       AND NOT EXISTS (SELECT 1 FROM backtest_runs b
                        WHERE lower(b.request ->> 'dataset_sha256') = encode(d.sha256, 'hex'));

-- Of uploads that were never completed, and of which nothing has come for a day.
CREATE OR REPLACE VIEW retention_dataset_pieces AS
    SELECT ctid AS place, stored_at AS at FROM dataset_pieces p
     WHERE NOT EXISTS (SELECT 1 FROM datasets d WHERE d.sha256 = p.sha256)
       AND NOT EXISTS (SELECT 1 FROM dataset_pieces q
                        WHERE q.sha256 = p.sha256 AND q.stored_at > now() - interval '1 day');

-- --- one batch ------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION retention_view(p_job text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT 'retention_' || replace(p_job, '-', '_') $$;

-- Deletes up to p_batch rows behind the cursor that are older than p_before. By time: from the oldest
-- on, rows of the cursor's own time included, as some of them may not have been in the batch. By
-- place: 32 MiB of the table at most, each page once, whatever has been deleted of those before: what
-- is dead is not looked at again and again. Indexes on both sides are the only way in, so that no
-- batch reads a whole table. An error is told, not raised: then nothing of the batch is deleted.
CREATE OR REPLACE FUNCTION retention_step(
    p_job text, p_before timestamptz, p_batch int, INOUT cursor_at timestamptz,
    INOUT cursor_place tid, OUT deleted bigint, OUT is_over boolean, OUT error text)
LANGUAGE plpgsql
SET lock_timeout = '2s' SET enable_hashjoin = off SET enable_mergejoin = off
SET enable_bitmapscan = off SET enable_seqscan = off AS $$
DECLARE
    v_policy retention_policies;
    v_end    bigint; -- the page behind the last that is looked at
    v_found  bigint;
    v_at     timestamptz;
    v_place  tid;
BEGIN
    SELECT * INTO STRICT v_policy FROM retention_policies WHERE job_name = p_job;
    v_end := (cursor_place::text::point)[0]::bigint + 4096;
    EXECUTE format(
        'WITH expired AS MATERIALIZED (SELECT place, at FROM %I WHERE at < $1 AND %s LIMIT $4 %s),'
        ' gone AS (DELETE FROM %s WHERE ctid = ANY (ARRAY(SELECT place FROM expired)) RETURNING 1)'
        ' SELECT (SELECT count(*) FROM gone), count(*), max(at), max(place) FROM expired',
        retention_view(p_job),
        CASE v_policy.walk WHEN 'time' THEN 'at >= $2 ORDER BY at'
                           ELSE format('place > $3 AND place < %L::tid', format('(%s,0)', v_end)) END,
        CASE WHEN v_policy.row_locks THEN 'FOR UPDATE SKIP LOCKED' END,
        v_policy.table_name::regclass)
       INTO deleted, v_found, v_at, v_place
      USING p_before, cursor_at, cursor_place, p_batch;
    is_over := v_found < p_batch;
    IF v_policy.walk = 'time' THEN
        cursor_at := coalesce(v_at, cursor_at);
    ELSIF is_over THEN
        cursor_place := format('(%s,0)', v_end)::tid;
        is_over := v_end * current_setting('block_size')::bigint
                   >= pg_relation_size(v_policy.table_name::regclass);
    ELSE
        cursor_place := v_place;
    END IF;
EXCEPTION
    WHEN lock_not_available THEN
        deleted := 0;
        is_over := true;
        error := 'the table was locked by somebody else for more than 2 s';
    WHEN query_canceled THEN
        deleted := 0;
        is_over := true;
        error := 'it was stopped, by a person or by a limit on the time of statements';
    WHEN OTHERS THEN
        deleted := 0;
        is_over := true;
        error := left(format('%s (%s)', SQLERRM, SQLSTATE), 500);
END $$;

-- --- a run ----------------------------------------------------------------------------------

-- Refuses what nobody may ask for; p_cutoff and p_batch_size null: the policy's own.
CREATE OR REPLACE FUNCTION retention_check(p_job text, p_cutoff interval, p_batch_size int)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_policy retention_policies;
    v_names  text;
BEGIN
    SELECT * INTO v_policy FROM retention_policies WHERE job_name = p_job;
    IF NOT FOUND THEN
        SELECT string_agg(job_name, ', ' ORDER BY daily_at, job_name) INTO v_names FROM retention_policies;
        PERFORM tm_refuse('NOT_FOUND', 'there is no such retention job; there are ' || v_names);
    ELSIF p_cutoff < '1 day' OR p_cutoff > v_policy.cutoff_max THEN
        IF v_policy.cutoff_max > '0' THEN
            PERFORM tm_refuse('VALIDATION_FAILED', format('the cutoff must be from 1 to %s days for %s',
                              extract(day FROM v_policy.cutoff_max), p_job));
        END IF;
    ELSIF p_batch_size NOT BETWEEN 100 AND 100000 THEN
        PERFORM tm_refuse('VALIDATION_FAILED', 'the batch size must be from 100 to 100000');
    END IF;
END $$;

-- The row of a run that begins now. The cutoff is taken here and nowhere else.
CREATE OR REPLACE FUNCTION retention_begin(p_job text, p_who text, p_cutoff interval,
                                           p_batch_size int, p_dry_run boolean)
RETURNS retention_job_log LANGUAGE plpgsql AS $$
DECLARE
    v_run    retention_job_log;
    v_policy retention_policies;
    v_cutoff interval;
BEGIN
    SELECT * INTO v_policy FROM retention_policies WHERE job_name = p_job;
    v_cutoff := CASE WHEN v_policy.cutoff_max > '0' THEN coalesce(p_cutoff, v_policy.cutoff)
                     ELSE v_policy.cutoff END;
    INSERT INTO retention_job_log (job_name, dry_run, cutoff, before, batch_size, who)
    VALUES (p_job, p_dry_run, v_cutoff, clock_timestamp() - v_cutoff,
            coalesce(p_batch_size, v_policy.batch_size), p_who)
    RETURNING * INTO v_run;
    RETURN v_run;
END $$;

CREATE OR REPLACE FUNCTION retention_end(p_id uuid, p_deleted bigint, p_ok boolean, p_error text)
RETURNS void LANGUAGE sql AS $$
    UPDATE retention_job_log
       SET finished_at = clock_timestamp(), deleted_count = p_deleted, ok = p_ok, error = p_error,
           duration_ms = 1000 * extract(epoch FROM clock_timestamp() - started_at)
     WHERE id = p_id
$$;

-- The second half of the lock that one run of a job holds; the first is 54.
CREATE OR REPLACE FUNCTION retention_key(p_job text) RETURNS int
LANGUAGE sql IMMUTABLE AS $$ SELECT hashtext('retention ' || p_job) $$;

CREATE OR REPLACE FUNCTION retention_is_running(p_job text) RETURNS boolean
LANGUAGE sql AS $$
    SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2
                      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                      AND classid = 54 AND objid = retention_key(p_job)::bit(32)::bigint::oid)
$$;

-- Of those that were killed; whoever calls it has the job's lock.
CREATE OR REPLACE FUNCTION retention_note_cut_off(p_job text) RETURNS void
LANGUAGE sql AS $$
    UPDATE retention_job_log
       SET finished_at = clock_timestamp(), ok = false,
           error = 'it was cut off: its process, its connection or the database ended'
     WHERE job_name = p_job AND finished_at IS NULL
$$;

CREATE OR REPLACE FUNCTION retention_count(p_job text, p_before timestamptz) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    v_count bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM %I WHERE at < $1', retention_view(p_job))
       INTO v_count USING p_before;
    RETURN v_count;
END $$;

-- A whole run in the caller's transaction. Never raises because of what it finds: the log says it.
CREATE OR REPLACE FUNCTION retention_prune(p_job text, p_who text, p_cutoff interval,
                                           p_batch_size int, p_dry_run boolean)
RETURNS TABLE (deleted_count bigint, job_log_id uuid) LANGUAGE plpgsql AS $$
DECLARE
    v_run   retention_job_log := retention_begin(p_job, p_who, p_cutoff, p_batch_size,
                                                 coalesce(p_dry_run, true));
    v_step  record;
    v_error text;
BEGIN
    deleted_count := 0;
    job_log_id := v_run.id;
    BEGIN
        PERFORM retention_check(p_job, p_cutoff, p_batch_size);
        IF v_run.dry_run THEN
            deleted_count := retention_count(p_job, v_run.before);
        END IF;
    EXCEPTION WHEN query_canceled OR OTHERS THEN
        v_error := left(regexp_replace(SQLERRM, '^[A-Z_]+: ', ''), 500);
    END;
    IF v_error IS NULL AND NOT v_run.dry_run THEN
        IF NOT pg_try_advisory_xact_lock(54, retention_key(p_job)) THEN
            PERFORM retention_end(v_run.id, 0, NULL, 'skipped: another run of this job is under way');
            RETURN NEXT;
            RETURN;
        END IF;
        SELECT timestamptz '-infinity' AS cursor_at, '(0,0)'::tid AS cursor_place, false AS is_over
          INTO v_step;
        WHILE NOT v_step.is_over LOOP
            SELECT * INTO v_step FROM retention_step(p_job, v_run.before, v_run.batch_size,
                                                     v_step.cursor_at, v_step.cursor_place);
            deleted_count := deleted_count + v_step.deleted;
            v_error := v_step.error;
        END LOOP;
    END IF;
    PERFORM retention_end(v_run.id, deleted_count, v_error IS NULL, v_error);
    RETURN NEXT;
END $$;

CREATE OR REPLACE FUNCTION retention_prune_trade_events(
    p_cutoff interval DEFAULT NULL, p_batch_size int DEFAULT NULL, p_dry_run boolean DEFAULT true)
RETURNS TABLE (deleted_count bigint, job_log_id uuid) LANGUAGE sql AS $$
    SELECT * FROM retention_prune('trade-events', 'sql', p_cutoff, p_batch_size, p_dry_run)
$$;

CREATE OR REPLACE FUNCTION retention_prune_job_runs(
    p_cutoff interval DEFAULT NULL, p_batch_size int DEFAULT NULL, p_dry_run boolean DEFAULT true)
RETURNS TABLE (deleted_count bigint, job_log_id uuid) LANGUAGE sql AS $$
    SELECT * FROM retention_prune('job-runs', 'sql', p_cutoff, p_batch_size, p_dry_run)
$$;

CREATE OR REPLACE FUNCTION retention_prune_match_runs(
    p_cutoff interval DEFAULT NULL, p_batch_size int DEFAULT NULL, p_dry_run boolean DEFAULT true)
RETURNS TABLE (deleted_count bigint, job_log_id uuid) LANGUAGE sql AS $$
    SELECT * FROM retention_prune('match-runs', 'sql', p_cutoff, p_batch_size, p_dry_run)
$$;

CREATE OR REPLACE FUNCTION retention_prune_idempotency_keys(
    p_batch_size int DEFAULT NULL, p_dry_run boolean DEFAULT true)
RETURNS TABLE (deleted_count bigint, job_log_id uuid) LANGUAGE sql AS $$
    SELECT * FROM retention_prune('idempotency-keys', 'sql', NULL, p_batch_size, p_dry_run)
$$;

-- A run as people see it.
CREATE OR REPLACE FUNCTION retention_run_json(p_id uuid) RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'job_log_id', id, 'job_name', job_name, 'started_at', tm_time(started_at),
        'finished_at', tm_time(finished_at), 'dry_run', dry_run,
        'cutoff_days', CASE WHEN cutoff > '0' THEN (extract(epoch FROM cutoff) / 86400)::float8 END,
        'batch_size', batch_size, 'deleted_count', deleted_count, 'ok', ok, 'error', error,
        'duration_ms', duration_ms, 'who', who)
      FROM retention_job_log WHERE id = p_id
$$;

-- How large the next batch is, by what the last one took.
CREATE OR REPLACE FUNCTION retention_next_batch(p_batch int, p_max int, p_took interval) RETURNS int
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_took > '250 ms' THEN greatest(p_batch / 2, least(100, p_max))
                WHEN p_took < '100 ms' THEN least(p_batch * 2, p_max)
                ELSE p_batch END
$$;

-- A whole run, committed batch by batch; run: retention_run_json of it. Refuses (TM001) only what
-- nobody may ask for.
CREATE OR REPLACE PROCEDURE retention_run(
    p_job text, p_who text DEFAULT 'cron', p_cutoff interval DEFAULT NULL,
    p_batch_size int DEFAULT NULL, p_dry_run boolean DEFAULT false, INOUT run json DEFAULT NULL)
LANGUAGE plpgsql AS $$
DECLARE
    v_run     retention_job_log;
    v_step    record;
    v_deleted bigint := 0;
    v_error   text;
    v_budget  interval;
    v_batch   int;
    v_began   timestamptz;
BEGIN
    PERFORM retention_check(p_job, p_cutoff, p_batch_size);
    IF p_dry_run THEN
        SELECT p.job_log_id INTO v_run.id
          FROM retention_prune(p_job, p_who, p_cutoff, p_batch_size, true) p;
        run := retention_run_json(v_run.id);
        RETURN;
    END IF;
    IF NOT pg_try_advisory_lock(54, retention_key(p_job)) THEN
        v_run := retention_begin(p_job, p_who, p_cutoff, p_batch_size, false);
        PERFORM retention_end(v_run.id, 0, NULL, 'skipped: another run of this job is under way');
        run := retention_run_json(v_run.id);
        RETURN;
    END IF;
    PERFORM retention_note_cut_off(p_job);
    v_run := retention_begin(p_job, p_who, p_cutoff, p_batch_size, false);
    SELECT budget INTO v_budget FROM retention_policies WHERE job_name = p_job;
    COMMIT;
    SELECT timestamptz '-infinity' AS cursor_at, '(0,0)'::tid AS cursor_place, 0::bigint AS deleted,
           false AS is_over, NULL::text AS error INTO v_step;
    v_batch := v_run.batch_size;
    WHILE NOT v_step.is_over LOOP
        v_began := clock_timestamp();
        IF v_began > v_run.started_at + v_budget THEN
            v_error := 'its time was over before all was deleted: the next run goes on';
            EXIT;
        END IF;
        PERFORM set_config('synchronous_commit', 'off', true);
        SELECT * INTO v_step FROM retention_step(p_job, v_run.before, v_batch, v_step.cursor_at,
                                                 v_step.cursor_place);
        v_deleted := v_deleted + v_step.deleted;
        v_error := v_step.error;
        UPDATE retention_job_log SET deleted_count = v_deleted WHERE id = v_run.id;
        COMMIT;
        v_batch := retention_next_batch(v_batch, v_run.batch_size, clock_timestamp() - v_began);
    END LOOP;
    PERFORM retention_end(v_run.id, v_deleted, v_step.error IS NULL, v_error);
    run := retention_run_json(v_run.id);
    COMMIT;
    PERFORM pg_advisory_unlock(54, retention_key(p_job));
END $$;

-- --- when, and how it stands ----------------------------------------------------------------

-- The last time at or before p_at that a policy says, and the next.
CREATE OR REPLACE FUNCTION retention_slot(p_daily_at time, p_at timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT s - CASE WHEN s > p_at THEN interval '1 day' ELSE interval '0' END
      FROM (SELECT (date_trunc('day', p_at AT TIME ZONE 'UTC') + p_daily_at) AT TIME ZONE 'UTC') q (s)
$$;

-- The jobs whose last time is p_patience ago and that have not ended well since, in their order. One
-- that failed is tried again after p_retry; one that was cut off at once; one that runs is not due.
-- A new policy waits for its first time.
CREATE OR REPLACE FUNCTION retention_due(p_patience interval, p_retry interval) RETURNS SETOF text
LANGUAGE sql STABLE AS $$
    SELECT p.job_name
      FROM retention_policies p CROSS JOIN LATERAL retention_slot(p.daily_at, now() - p_patience) s (slot)
     WHERE p.enabled AND s.slot > p.created_at AND NOT retention_is_running(p.job_name)
       AND NOT EXISTS (SELECT 1 FROM retention_job_log l
                        WHERE l.job_name = p.job_name AND NOT l.dry_run AND l.started_at >= s.slot
                          AND (l.ok OR l.finished_at > now() - p_retry))
     ORDER BY p.daily_at, p.job_name
$$;

CREATE OR REPLACE FUNCTION retention_has_cron() RETURNS boolean
LANGUAGE sql STABLE AS $$ SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'pg_cron') $$;

-- The runs that failed since the last that ended well.
CREATE OR REPLACE FUNCTION retention_failures(p_job text) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT count(*) FROM retention_job_log
     WHERE job_name = p_job AND NOT dry_run AND NOT ok
       AND started_at > coalesce((SELECT max(started_at) FROM retention_job_log
                                   WHERE job_name = p_job AND NOT dry_run AND ok), '-infinity')
$$;

CREATE OR REPLACE FUNCTION retention_status() RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'pg_cron_available', retention_has_cron(),
        'scheduled_jobs', (SELECT coalesce(json_agg(json_build_object(
                'job_name', p.job_name, 'table', p.table_name,
                'schedule', to_char(p.daily_at, 'FMMI FMHH24') || ' * * *',
                'next_run_at', CASE WHEN p.enabled THEN tm_time(retention_slot(p.daily_at, now()) + interval '1 day') END,
                'scheduled_by', CASE WHEN retention_has_cron() THEN 'pg_cron' ELSE 'actor' END,
                'enabled', p.enabled, 'running', retention_is_running(p.job_name),
                'cutoff_days', CASE WHEN p.cutoff > '0' THEN (extract(epoch FROM p.cutoff) / 86400)::float8 END,
                'batch_size', p.batch_size, 'consecutive_failures', retention_failures(p.job_name))
                ORDER BY p.daily_at, p.job_name), '[]') FROM retention_policies p),
        'last_runs', (SELECT coalesce(json_object_agg(p.job_name, retention_run_json(l.id)), '{}')
                        FROM retention_policies p CROSS JOIN LATERAL (
                             SELECT id FROM retention_job_log WHERE job_name = p.job_name AND NOT dry_run
                              ORDER BY started_at DESC LIMIT 1) l),
        'table_estimates', (SELECT coalesce(json_object_agg(p.table_name, json_build_object(
                'rows', tm_rows(c.oid), 'bytes', pg_total_relation_size(c.oid))), '{}')
                FROM retention_policies p JOIN pg_class c ON c.oid = to_regclass(p.table_name)))
$$;
