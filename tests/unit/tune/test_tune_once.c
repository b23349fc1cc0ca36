/* A tune's results land once: whoever else holds its lease by then, and whatever becomes of the
 * database. */
#include "tests/unit/tune/tune_job_help.h"

#include <stdio.h>
#include <stdlib.h>

#include "actors/kit/util/clock.h"
#include "tests/support/pace.h"
#include "tests/support/suite.h"

/* ---- fencing ---------------------------------------------------------------------------- */

static void
take_lease(struct tune_world *self, uint64_t done, uint64_t total)
{
    if (done == total)
        tune_world_expect(self, "UPDATE jobs SET attempt = 2 WHERE id = $ID", "");
}

START_TEST(an_attempt_that_was_overtaken_writes_nothing)
{
    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "bb_reversal", random50);
    world.on_progress = take_lease;
    tune_world_run(&world);
    ck_assert_int_eq(world.end.err, TM_LEASE_LOST);
    expect_nothing_written();
    tune_world_expect(&world, "SELECT attempt, state FROM jobs WHERE id = $ID", "2|running");
    world.on_progress = NULL;
    world.job.attempt = 2;
    tune_world_run(&world);
    ck_assert_int_eq(world.end.err, TM_OK);
    tune_world_expect(&world, "SELECT count(*) FROM backtest_tune_runs", "50");
}
END_TEST

START_TEST(an_attempt_older_than_the_tunes_does_not_begin)
{
    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "bb_reversal", random50);
    tune_world_expect(&world, "UPDATE backtest_tunes SET attempt = 2, status = 'running'", "");
    tune_world_run(&world);
    ck_assert_int_eq(world.end.err, TM_LEASE_LOST);
    ck_assert_uint_eq(world.told, 0);
    expect_nothing_written();
}
END_TEST

START_TEST(a_finished_tune_is_not_run_again)
{
    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "bb_reversal", random50);
    tune_world_run(&world);
    ck_assert_int_eq(world.end.err, TM_OK);
    tune_world_run(&world);
    ck_assert_int_eq(world.end.err, TM_LEASE_LOST);
    tune_world_expect(&world, "SELECT count(*) FROM backtest_tune_runs", "50");
}
END_TEST

static void
finish_as(struct tune_world *self, uint64_t done, uint64_t total, int attempt)
{
    char sql[200];

    if (done < total)
        return;
    snprintf(
        sql, sizeof(sql),
        "UPDATE jobs SET attempt = %d WHERE id = $ID; SELECT job_finish($ID, %d, 'x'::bytea)",
        attempt, attempt);
    free(tune_world_query(self, sql));
    tune_world_expect(self, "SELECT count(*) FROM job_runs", "1");
}

static void
finish_as_first(struct tune_world *self, uint64_t done, uint64_t total)
{
    finish_as(self, done, total, 1);
}

static void
finish_as_second(struct tune_world *self, uint64_t done, uint64_t total)
{
    finish_as(self, done, total, 2);
}

START_TEST(a_commit_whose_answer_was_lost_is_found_again)
{
    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "bb_reversal", random50);
    world.on_progress = finish_as_first;
    tune_world_run(&world);
    ck_assert_int_eq(world.end.err, TM_OK);
    ck_assert_ptr_nonnull(world.end.result);
}
END_TEST

START_TEST(the_commit_of_another_attempt_is_not_taken_for_ours)
{
    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "bb_reversal", random50);
    world.on_progress = finish_as_second;
    tune_world_run(&world);
    ck_assert_int_eq(world.end.err, TM_LEASE_LOST);
    expect_nothing_written();
}
END_TEST

static void
drop(struct tune_world *self, uint64_t done, uint64_t total)
{
    (void)total;
    if (done > 0)
        self->is_dropped = true;
}

START_TEST(a_canceled_tune_stops_within_a_second)
{
    const char *const fields[] = {"n_trials", "1000000", NULL};
    int64_t started_ms;

    tune_world_dataset(&world, "tests/data/SYNM.csv");
    tune_world_job(&world, "bb_reversal", fields);
    world.on_progress = drop;
    started_ms = pace_cpu_ms(); /* it computes all the while */
    tune_world_run(&world);
    ck_assert_int_eq(world.end.err, TM_LEASE_LOST);
    ck_assert_uint_lt(world.last_done, 1000000);
    ck_assert_int_lt(pace_cpu_ms() - started_ms,
                     2000); /* loading and the first 100 ms included */
    expect_nothing_written();
}
END_TEST

/* ---- a database that dies --------------------------------------------------------------- */

static void
kill_at_the_end(struct tune_world *self, uint64_t done, uint64_t total)
{
    (void)self;
    if (done == total)
        pg_fixture_kill(tune_fixture);
}

static void
start_after_some_tries(struct tune_world *self)
{
    if (!pg_fixture_is_alive(tune_fixture) && ++self->told > 20)
        pg_fixture_start(tune_fixture);
}

START_TEST(a_database_that_dies_before_the_commit_gets_the_results_once)
{
    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "bb_reversal", random50);
    world.on_progress = kill_at_the_end;
    world.on_asked = start_after_some_tries;
    tune_world_run(&world);
    ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
    ck_assert_uint_eq(world.last_done, 50); /* and nothing was computed again */
    tune_world_expect(&world, "SELECT count(*), count(DISTINCT run_id) FROM backtest_tune_runs",
                      "50|50");
    tune_world_expect(&world, "SELECT count(*) FROM jobs", "0");
    tune_world_expect(&world, "SELECT count(*) FROM job_runs WHERE attempt = 1", "1");
}
END_TEST

static void
cut_connections(struct tune_world *self, uint64_t done, uint64_t total)
{
    if (done == total)
        free(tune_world_query(self, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                                    " WHERE application_name = 'tunemill tune'"));
}

START_TEST(a_connection_cut_before_the_commit_is_made_again)
{
    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "bb_reversal", random50);
    world.on_progress = cut_connections;
    tune_world_run(&world);
    ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
    tune_world_expect(&world, "SELECT count(*) FROM backtest_tune_runs", "50");
}
END_TEST

START_TEST(a_connection_cut_during_the_copy_leaves_no_half)
{
    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "bb_reversal", random50);
    /* the first try dies in its 30th row; a sequence survives the rollback, and lets the second
     * by */
    free(tune_world_query(
        &world, "CREATE SEQUENCE tries;"
                "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN"
                " IF NEW.trial_index = 30 AND nextval('tries') = 1 THEN"
                " PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN NEW; END $f$;"
                "CREATE TRIGGER cut BEFORE INSERT ON backtest_tune_runs"
                " FOR EACH ROW EXECUTE FUNCTION cut()"));
    tune_world_run(&world);
    ck_assert_msg(world.end.err == TM_OK, "%s", world.end.detail);
    tune_world_expect(&world, "SELECT last_value, is_called FROM tries", "2|t");
    tune_world_expect(&world, "SELECT count(*) FROM backtest_tune_runs", "50");
}
END_TEST

START_TEST(rows_that_the_database_refuses_may_be_tried_again_later)
{
    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "bb_reversal", random50);
    tune_world_expect(&world, "ALTER TABLE backtest_tune_runs ADD CHECK (trial_index < 30)",
                      "");
    tune_world_run(&world);
    ck_assert_int_eq(world.end.err, TM_INTERNAL);
    ck_assert(world.end.retryable);
    expect_nothing_written();
    tune_world_expect(&world, "SELECT count(*) FROM jobs", "1");
}
END_TEST

static void
drop_soon(struct tune_world *self)
{
    self->is_dropped = self->asked > 5;
}

START_TEST(waiting_for_the_database_ends_when_the_lease_is_lost)
{
    tune_world_dataset(&world, "tests/data/SYND.csv");
    tune_world_job(&world, "bb_reversal", random50);
    pg_fixture_kill(tune_fixture);
    world.on_asked = drop_soon;
    tune_world_run(&world);
    ck_assert_int_eq(world.end.err, TM_LEASE_LOST);
    pg_fixture_start(tune_fixture);
    expect_nothing_written();
}
END_TEST

TCase *
tune_job_fences(void)
{
    TCase *tcase = case_new("fences", NULL, NULL);

    suite_tests(tcase, an_attempt_that_was_overtaken_writes_nothing,
                an_attempt_older_than_the_tunes_does_not_begin,
                a_finished_tune_is_not_run_again, a_commit_whose_answer_was_lost_is_found_again,
                the_commit_of_another_attempt_is_not_taken_for_ours,
                a_canceled_tune_stops_within_a_second);
    return tcase;
}

TCase *
tune_job_faults(void)
{
    TCase *tcase = case_new("faults", NULL, NULL);

    suite_tests(tcase, a_database_that_dies_before_the_commit_gets_the_results_once,
                a_connection_cut_before_the_commit_is_made_again,
                a_connection_cut_during_the_copy_leaves_no_half,
                rows_that_the_database_refuses_may_be_tried_again_later,
                waiting_for_the_database_ends_when_the_lease_is_lost);
    return tcase;
}
