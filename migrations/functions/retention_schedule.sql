-- The schedule of retention_policies, given to pg_cron where that is there.

-- Says whether pg_cron keeps the schedule. May be called again at any time: after a change of a
-- policy's times, or when pg_cron has come later; the retention process does at its start.
-- pg_cron is of one database of the cluster only, cron.database_name, and needs no more than that
-- its server was started with it.
CREATE OR REPLACE FUNCTION retention_schedule() RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    v_policy retention_policies;
BEGIN
    IF NOT retention_has_cron() AND current_setting('cron.database_name', true) = current_database() THEN
        BEGIN
            CREATE EXTENSION pg_cron;
        EXCEPTION WHEN OTHERS THEN
            RAISE NOTICE 'pg_cron could not be installed: %', SQLERRM;
        END;
    END IF;
    IF NOT retention_has_cron() THEN
        RAISE NOTICE 'pg_cron is not here: the retention process keeps the schedule';
        DELETE FROM retention_policies WHERE job_name = 'cron-runs';
        RETURN false;
    END IF;
    CREATE OR REPLACE VIEW retention_cron_runs AS
        SELECT ctid AS place, end_time AS at FROM cron.job_run_details;
    INSERT INTO retention_policies (job_name, table_name, walk, row_locks, cutoff, cutoff_max,
                                    batch_size, daily_at)
    VALUES ('cron-runs', 'cron.job_run_details', 'place', false, '14 days', '365 days', 10000, '4:00')
    ON CONFLICT DO NOTHING;
    FOR v_policy IN SELECT * FROM retention_policies LOOP
        IF v_policy.enabled THEN -- one of the same name is replaced
            PERFORM cron.schedule('tunemill ' || v_policy.job_name,
                                  to_char(v_policy.daily_at, 'FMMI FMHH24') || ' * * *',
                                  format('CALL retention_run(%L)', v_policy.job_name));
        ELSE
            PERFORM cron.unschedule(jobid) FROM cron.job
              WHERE jobname = 'tunemill ' || v_policy.job_name AND database = current_database();
        END IF;
    END LOOP;
    RETURN true;
END $$;

SELECT retention_schedule();
