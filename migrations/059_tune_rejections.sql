-- Why trials of a tune were rejected, how near the nearest came, and what to relax.
ALTER TABLE backtest_tunes ADD COLUMN IF NOT EXISTS rejections json NOT NULL DEFAULT '[]';
