-- A trial can be computed again, and is found by its id.

-- The spec that the trials were computed with, whatever has become of the strategy since. null: a
-- tune that ended before this column was there. Not jsonb: the order of params and indicators has
-- a meaning.
ALTER TABLE backtest_tunes ADD COLUMN IF NOT EXISTS strategy json;

-- Which trial of a tune has this id: run ids are made from the tune's, whose last four bytes are
-- XORed with the trial's index plus one. Meaningless when the other bytes are not the same.
CREATE OR REPLACE FUNCTION tune_trial_of(p_tune uuid, p_run uuid) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (('x' || right(p_tune::text, 8))::bit(32) # ('x' || right(p_run::text, 8))::bit(32))::bigint - 1
$$;

-- The leaders of a tune, without a look at its other trials.
CREATE INDEX IF NOT EXISTS backtest_tune_runs_leaders
    ON backtest_tune_runs (tune_id, rank) WHERE rank IS NOT NULL;
