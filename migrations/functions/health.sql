-- What the health page asks of the database beyond its tables.

-- How each job of retention last went: {"pg_cron": bool, "jobs": [...]}. Dry runs and those that found another under way are none. age: seconds since it last ended well, or since its
-- first run. Named only when it runs, so that it can be made before that table.
CREATE OR REPLACE FUNCTION health_retention() RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_cron boolean := EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'pg_cron');
    v_jobs jsonb;
BEGIN
    IF to_regclass('retention_job_log') IS NULL THEN
        RETURN jsonb_build_object('pg_cron', v_cron);
    END IF;
    WITH run AS (
        SELECT job_name, started_at, finished_at, deleted_count, ok FROM retention_job_log
         WHERE NOT dry_run AND finished_at IS NOT NULL AND ok IS NOT NULL),
    good AS (SELECT job_name, max(finished_at) AS at FROM run WHERE ok GROUP BY job_name),
    last AS (SELECT DISTINCT ON (job_name) * FROM run ORDER BY job_name, finished_at DESC),
    first AS (SELECT job_name, min(started_at) AS at FROM run GROUP BY job_name)
    SELECT coalesce(jsonb_agg(jsonb_build_object(
               'job', l.job_name, 'at', extract(epoch FROM l.finished_at)::bigint,
               'at_text', tm_time(l.finished_at), 'ok', l.ok, 'deleted', l.deleted_count,
               'success', extract(epoch FROM g.at)::bigint,
               'age', extract(epoch FROM now() - coalesce(g.at, f.at))::bigint,
               'failures', (SELECT count(*) FROM run r WHERE r.job_name = l.job_name
                               AND NOT r.ok AND (g.at IS NULL OR r.finished_at > g.at)))
             ORDER BY l.job_name), '[]')
      INTO v_jobs
      FROM last l JOIN first f USING (job_name) LEFT JOIN good g USING (job_name);
    RETURN jsonb_build_object('pg_cron', v_cron, 'jobs', v_jobs);
END $$;
