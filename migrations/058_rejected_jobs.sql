-- A job that asks for what is wrong (price data that cannot be read, a space of no parameters) ends
-- as `rejected`, with why. It is kept with what was done, for nobody needs to look at it; a dead
-- letter is for somebody to look at.
ALTER TABLE job_runs ADD COLUMN IF NOT EXISTS code text, ADD COLUMN IF NOT EXISTS detail text;
ALTER TABLE job_runs DROP CONSTRAINT IF EXISTS job_runs_outcome_check;
ALTER TABLE job_runs ADD CONSTRAINT job_runs_outcome_check
    CHECK (outcome IN ('done', 'canceled', 'rejected'));

-- A failed tune that was wrong as it was asked for.
ALTER TABLE backtest_tunes ADD COLUMN IF NOT EXISTS is_rejected boolean NOT NULL DEFAULT false;
