-- The functions through which SQL, the command line and the brokers change a job's state.

-- Ends a leased job from inside the transaction that writes its effects. Refuses with LEASE_LOST
-- unless `attempt` is the newest lease, so that effects land once. Only what runs has a broker; the
-- state is not asked for, so that the primary key is the only index that answers.
-- A canceled job that kept what it had found ends so too: it has a result, as one that is done.
DROP FUNCTION IF EXISTS job_finish(uuid, int, bytea);
CREATE OR REPLACE FUNCTION job_finish(p_id uuid, p_attempt int, p_result bytea,
                                      p_outcome text DEFAULT 'done') RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    WITH gone AS (
        DELETE FROM jobs WHERE id = p_id AND attempt = p_attempt AND lease_broker IS NOT NULL
        RETURNING *)
    INSERT INTO job_runs (id, workspace_id, queue, outcome, attempt, failures, worker, created_at,
                          started_at, parent_id, traceparent, result)
    SELECT id, workspace_id, queue, p_outcome, attempt, failures, lease_worker, created_at,
           leased_at, parent_id, traceparent, p_result
      FROM gone;
    IF NOT FOUND THEN
        PERFORM tm_refuse('LEASE_LOST', 'another attempt has this job, or it has ended');
    END IF;
END $$;

-- The queue of a job that waits, runs, is dead or has ended; null: nobody knows it any more, for it
-- was dropped or pruned, and a key that leads to it leads nowhere.
CREATE OR REPLACE FUNCTION job_queue(p_id uuid) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT queue FROM jobs WHERE id = p_id
    UNION ALL SELECT queue FROM dead_jobs WHERE id = p_id
    UNION ALL SELECT queue FROM job_runs WHERE id = p_id LIMIT 1
$$;

-- Where a job stands in its workspace's line. Each step of priority is worth a minute of waiting,
-- so that a job of priority 9 waits at most nine minutes longer than its turn.
CREATE OR REPLACE FUNCTION job_rank(p_run_at timestamptz, p_priority int) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT p_run_at + p_priority * interval '1 minute' $$;

-- Brokers listen on this channel: 'ready:<queue>' ('*': any), 'cancel:<job>' to stop it,
-- 'over:<job>' for those who watch it, 'queues' when that table has changed.
CREATE OR REPLACE FUNCTION tm_tell(p_what text) RETURNS void
LANGUAGE sql AS $$ SELECT pg_notify('tunemill', p_what) $$;

-- An id is one job's, whatever it has become. The statement that adds a job looks first, but one
-- that ended in between it sees neither here nor there: what was added is looked at once more, by
-- what is committed by then. Whoever is refused so sends again, and finds the job that has ended.
CREATE OR REPLACE FUNCTION jobs_have_not_ended() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM added JOIN job_runs USING (id))
       OR EXISTS (SELECT 1 FROM added JOIN dead_jobs USING (id)) THEN
        RAISE unique_violation USING MESSAGE = 'a job of this id has ended';
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER jobs_added AFTER INSERT ON jobs
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION jobs_have_not_ended();

-- A child that ends, however it ends, is one less for its parent to wait for; after the last, the
-- parent runs once more.
CREATE OR REPLACE FUNCTION job_child_ended() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_queue text;
BEGIN
    UPDATE jobs
       SET children_left = children_left - 1,
           state = CASE WHEN children_left <= 1 AND state = 'waiting' THEN 'ready' ELSE state END,
           run_at = CASE WHEN children_left <= 1 THEN now() ELSE run_at END,
           rank = CASE WHEN children_left <= 1 THEN job_rank(now(), priority) ELSE rank END
     WHERE id = OLD.parent_id
    RETURNING CASE WHEN children_left <= 0 THEN queue END INTO v_queue;
    IF v_queue IS NOT NULL THEN
        PERFORM tm_tell('ready:' || v_queue);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER jobs_child_ended AFTER DELETE ON jobs
    FOR EACH ROW WHEN (OLD.parent_id IS NOT NULL) EXECUTE FUNCTION job_child_ended();

-- Enqueues within the caller's transaction: the job is there if and when it commits, and the
-- brokers are told then. With a key, the same request again gives the first one's id.
CREATE OR REPLACE FUNCTION jobs_enqueue(
    p_queue text, p_body bytea,
    p_workspace uuid DEFAULT '00000000-0000-0000-0000-000000000001',
    p_priority int DEFAULT 5, p_run_at timestamptz DEFAULT now(), p_max_attempts int DEFAULT 5,
    p_timeout interval DEFAULT NULL, p_expires_at timestamptz DEFAULT NULL,
    p_key text DEFAULT NULL, p_scope text DEFAULT 'sql', p_keep interval DEFAULT '7 days')
RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    v_id uuid := gen_random_uuid();
    v_hash bytea := sha256(convert_to(p_queue, 'UTF8') || '\x00'::bytea || p_body);
    v_known_job uuid;
    v_known_hash bytea;
BEGIN
    IF p_queue IS NULL OR p_queue !~ '^[a-z0-9._-]{1,64}$' THEN
        PERFORM tm_refuse('BAD_REQUEST', 'queue: 1 to 64 characters of a-z 0-9 . _ -');
    ELSIF p_body IS NULL OR p_workspace IS NULL OR p_run_at IS NULL THEN
        PERFORM tm_refuse('BAD_REQUEST', 'body, workspace and run_at are needed');
    ELSIF p_priority IS NULL OR p_priority NOT BETWEEN 0 AND 9 THEN
        PERFORM tm_refuse('BAD_REQUEST', 'priority: from 0 (first) to 9 (last)');
    ELSIF p_max_attempts IS NULL OR p_max_attempts NOT BETWEEN 1 AND 100 THEN
        PERFORM tm_refuse('BAD_REQUEST', 'max_attempts: from 1 to 100');
    ELSIF length(p_body) > 16777216 THEN
        PERFORM tm_refuse('BAD_REQUEST', 'body: at most 16 MiB, no worker takes more');
    ELSIF NOT isfinite(p_run_at) OR p_run_at < 'epoch' OR NOT isfinite(p_expires_at) THEN
        PERFORM tm_refuse('BAD_REQUEST', 'run_at, expires_at: points in time since 1970');
    ELSIF p_timeout NOT BETWEEN '0' AND interval '7 days' THEN
        PERFORM tm_refuse('BAD_REQUEST', 'timeout: from 0 (none) to 7 days');
    ELSIF length(p_key) NOT BETWEEN 1 AND 200 THEN
        PERFORM tm_refuse('BAD_REQUEST', 'key: from 1 to 200 characters');
    ELSIF p_scope IS NULL OR length(p_scope) NOT BETWEEN 1 AND 64 THEN
        PERFORM tm_refuse('BAD_REQUEST', 'scope: from 1 to 64 characters');
    ELSIF p_keep IS NULL OR p_keep <= '0' THEN
        PERFORM tm_refuse('BAD_REQUEST', 'keep: how long the key is known, more than 0');
    END IF;
    -- again only if the key that was there has gone before it could be read
    WHILE p_key IS NOT NULL LOOP
        DELETE FROM idempotency_keys WHERE workspace_id = p_workspace AND scope = p_scope
           AND key = p_key AND (expires_at < now() OR job_queue(job_id) IS NULL);
        INSERT INTO idempotency_keys (workspace_id, scope, key, request_hash, job_id, expires_at)
        VALUES (p_workspace, p_scope, p_key, v_hash, v_id, now() + p_keep) ON CONFLICT DO NOTHING;
        EXIT WHEN FOUND;
        SELECT job_id, request_hash INTO v_known_job, v_known_hash FROM idempotency_keys
         WHERE workspace_id = p_workspace AND scope = p_scope AND key = p_key;
        IF FOUND AND v_known_hash <> v_hash THEN
            PERFORM tm_refuse('IDEMPOTENCY_KEY_REUSED',
                              'this key was used before with another queue or body');
        ELSIF FOUND THEN
            RETURN v_known_job;
        END IF;
    END LOOP;
    INSERT INTO jobs (id, workspace_id, queue, state, priority, run_at, rank, max_attempts,
                      timeout_ms, expires_at, body)
    VALUES (v_id, p_workspace, p_queue,
            CASE WHEN p_run_at > now() THEN 'scheduled' ELSE 'ready' END::job_state, p_priority,
            p_run_at, job_rank(p_run_at, p_priority), p_max_attempts,
            coalesce((extract(epoch FROM p_timeout) * 1000)::bigint, 0), p_expires_at, p_body);
    PERFORM tm_tell('ready:' || p_queue);
    RETURN v_id;
END $$;

-- A job, its children and theirs. The job itself need not be there any more.
CREATE OR REPLACE FUNCTION job_family(p_id uuid) RETURNS TABLE (id uuid, depth int)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE family AS (
        SELECT p_id AS id, 0 AS depth
        UNION ALL
        SELECT j.id, f.depth + 1 FROM family f JOIN jobs j ON j.parent_id = f.id)
    SELECT id, depth FROM family
$$;

-- Cancels a job and its children. What does not run ends at once; what runs is told to stop by
-- its broker. Returns the state it is in now: canceled, canceling, done, dead or unknown.
--
-- The family is locked before anything changes: children first, as a child's end locks its
-- parent, and so that no state changes between the look at it and what is done about it.
CREATE OR REPLACE FUNCTION job_cancel(p_id uuid) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_family uuid[];
    v_gone uuid[];
    v_asked uuid[];
    v_state text;
BEGIN
    PERFORM 1 FROM jobs j JOIN job_family(p_id) f ON f.id = j.id
      ORDER BY f.depth DESC, j.id FOR UPDATE OF j;
    SELECT array_agg(id) INTO v_family FROM job_family(p_id);
    WITH gone AS (
        DELETE FROM jobs WHERE id = ANY (v_family) AND state <> 'running' RETURNING *),
    kept AS (
        INSERT INTO job_runs (id, workspace_id, queue, outcome, attempt, failures, worker,
                              created_at, started_at, parent_id, traceparent)
        SELECT id, workspace_id, queue, 'canceled', attempt, failures, NULL, created_at, leased_at,
               parent_id, traceparent
          FROM gone
        RETURNING id)
    SELECT array_agg(id) INTO v_gone FROM kept;
    WITH asked AS (
        UPDATE jobs SET cancel_at = coalesce(cancel_at, now()) WHERE id = ANY (v_family)
        RETURNING id)
    SELECT array_agg(id) INTO v_asked FROM asked;
    PERFORM tm_tell('over:' || id) FROM unnest(v_gone) AS g (id);
    PERFORM tm_tell('cancel:' || id) FROM unnest(v_asked) AS a (id);
    IF p_id = ANY (v_gone) THEN
        RETURN 'canceled';
    ELSIF p_id = ANY (v_asked) THEN
        RETURN 'canceling';
    END IF;
    SELECT outcome INTO v_state FROM job_runs WHERE id = p_id;
    IF NOT FOUND THEN
        SELECT 'dead' INTO v_state FROM dead_jobs WHERE id = p_id;
    END IF;
    RETURN coalesce(v_state, 'unknown');
END $$;

CREATE OR REPLACE FUNCTION queue_pause(p_queue text) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO queues (name, paused_at) VALUES (p_queue, now())
    ON CONFLICT (name) DO UPDATE SET paused_at = coalesce(queues.paused_at, now()),
                                     updated_at = now();
    SELECT tm_tell('queues');
$$;

CREATE OR REPLACE FUNCTION queue_resume(p_queue text) RETURNS void
LANGUAGE sql AS $$
    UPDATE queues SET paused_at = NULL, updated_at = now() WHERE name = p_queue;
    SELECT tm_tell('queues');
$$;

-- null: no limit of its own
CREATE OR REPLACE FUNCTION queue_limit(p_queue text, p_max_depth bigint, p_workspace_limit int)
RETURNS void LANGUAGE sql AS $$
    INSERT INTO queues (name, max_depth, workspace_limit)
    VALUES (p_queue, p_max_depth, p_workspace_limit)
    ON CONFLICT (name) DO UPDATE SET max_depth = EXCLUDED.max_depth,
                                     workspace_limit = EXCLUDED.workspace_limit,
                                     updated_at = now();
    SELECT tm_tell('queues');
$$;

-- Dead letters by filter, each null meaning any. Returns how many. A child that is tried again is
-- a job of its own: its parent has counted it and waits for it no more.
CREATE OR REPLACE FUNCTION dead_retry(p_ids uuid[], p_queue text, p_code text, p_before timestamptz)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_count bigint;
BEGIN
    WITH risen AS (
        DELETE FROM dead_jobs
         WHERE (p_ids IS NULL OR id = ANY (p_ids)) AND (p_queue IS NULL OR queue = p_queue)
           AND (p_code IS NULL OR code = p_code) AND (p_before IS NULL OR died_at < p_before)
        RETURNING *),
    again AS (
        INSERT INTO jobs (id, workspace_id, queue, state, priority, rank, created_at, attempt,
                          max_attempts, timeout_ms, last_code, last_detail, is_join, traceparent,
                          body)
        SELECT id, workspace_id, queue, 'ready', priority, job_rank(now(), priority), created_at,
               attempt, max_attempts, timeout_ms, code, detail, is_join, traceparent, body
          FROM risen
        RETURNING queue)
    SELECT count(*) INTO v_count FROM again;
    PERFORM tm_tell('ready:*');
    RETURN v_count;
END $$;

CREATE OR REPLACE FUNCTION dead_drop(p_ids uuid[], p_queue text, p_code text, p_before timestamptz)
RETURNS bigint LANGUAGE sql AS $$
    WITH gone AS (
        DELETE FROM dead_jobs
         WHERE (p_ids IS NULL OR id = ANY (p_ids)) AND (p_queue IS NULL OR queue = p_queue)
           AND (p_code IS NULL OR code = p_code) AND (p_before IS NULL OR died_at < p_before)
        RETURNING 1)
    SELECT count(*) FROM gone
$$;

-- A broker that is alone counts the running jobs of a limited queue's workspaces by itself. What it
-- wrote while it thought so must not commit if it was wrong: no other broker may have lived since p_since_us (microseconds since 1970). The caller holds the lock under which others count.
CREATE OR REPLACE FUNCTION broker_is_alone(p_id uuid, p_since_us bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM brokers WHERE id <> p_id AND (gone_at IS NULL
                  OR gone_at > timestamptz 'epoch' + p_since_us * interval '1 microsecond')) THEN
        RAISE EXCEPTION 'another broker is there' USING ERRCODE = 'serialization_failure';
    END IF;
END $$;
