-- The cells for which a tune's file was refused: line, column, value and msg of the first five.
ALTER TABLE backtest_tunes ADD COLUMN IF NOT EXISTS faults json;
