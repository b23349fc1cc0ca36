-- When each policy of retention runs. functions/retention_schedule.sql gives it to pg_cron, where that
-- is there; else the process `retention` keeps it.

ALTER TABLE retention_policies
    ADD COLUMN IF NOT EXISTS daily_at time,       -- UTC
    ADD COLUMN IF NOT EXISTS enabled boolean NOT NULL DEFAULT true; -- by schedule; people can run it all the same

UPDATE retention_policies p SET daily_at = v.daily_at, enabled = v.enabled
  FROM (VALUES
             ('trade-events', time '3:15', true),
             ('job-runs', time '3:20', true),
             ('match-runs', time '3:25', true),
             ('idempotency-keys', time '3:30', true),
             ('datasets', time '3:35', true),
             ('dataset-pieces', time '3:40', true),
             ('explanations', time '3:45', true),
             ('backtest-runs', time '3:50', false),
             ('retention-log', time '3:55', true)) AS v (job_name, daily_at, enabled)
 WHERE p.job_name = v.job_name AND p.daily_at IS NULL;

ALTER TABLE retention_policies ALTER COLUMN daily_at SET NOT NULL;
