/* A tune's results land once: whoever else holds its lease by then, and whatever becomes of the
 * database. */
#include "tests/unit/tune/tune_job_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/util/clock.h"
#include "tests/support/meter.h"
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

START_TEST(a_tune_without_its_lease_stops_within_a_second)
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

/* ---- canceled --------------------------------------------------------------------------- */

static void
cancel(struct tune_world *self, uint64_t done, uint64_t total)
{
    (void)total;
    if (done > 0)
        self->is_canceled = true;
}

static void
begin_canceled(const char *n_trials)
{
    const char *const fields[] = {"n_trials", n_trials, "seed", "7", NULL};

    if (!world.csv)
        tune_world_dataset(&world, "tests/data/SYNM.csv");
    tune_world_job(&world, "bb_reversal", fields);
}

/* Within a second of being told, and what it found is there: the best of it, and every trial.
 */
START_TEST(a_canceled_tune_stops_soon_and_keeps_what_it_found)
{
    int64_t started_ms;

    begin_canceled("1000000");
    world.on_progress = cancel;
    started_ms = pace_cpu_ms(); /* it computes all the while */
    tune_world_run(&world);
    ck_assert_msg(world.end.err == TM_OK && world.end.is_canceled, "%s", world.end.detail);
    ck_assert_int_lt(pace_cpu_ms() - started_ms, 2000); /* loading and 100 ms included */
    ck_assert_uint_eq(world.stopped, 1);
    ck_assert_uint_lt(world.last_done, 1000000);
    tune_world_expect(&world,
                      "SELECT status, error_code, n_trials, trials_completed < 1000000,"
                      " trials_completed = (SELECT count(*) FROM backtest_tune_runs),"
                      " trials_completed = count_completed + count_skipped + count_failed,"
                      " finished_at IS NOT NULL, warnings IS NOT NULL FROM backtest_tunes",
                      "canceled|CANCELED|1000000|t|t|t|t|t");
    tune_world_expect(&world,
                      "SELECT best_score = max(score), best_run_id = (array_agg(run_id ORDER BY"
                      " rank))[1], count(rank) FROM backtest_tunes, backtest_tune_runs"
                      " WHERE backtest_tune_runs.status = 'completed'"
                      " GROUP BY best_score, best_run_id",
                      "t|t|10");
    tune_world_expect(
        &world,
        "SELECT outcome, attempt, convert_from(result, 'UTF8')::json ->> 'status',"
        " (SELECT count(*) FROM jobs) FROM job_runs WHERE id = $ID",
        "canceled|1|canceled|0");
    tune_world_expect(&world,
                      "SELECT count(*), max(payload ->> 'best_score') IS NOT NULL"
                      " FROM event_outbox WHERE topic = 'backtest.tune.canceled'",
                      "1|t");
    ck_assert_uint_eq(meter_of(world.meters, METRIC_TUNES, "canceled"), 1);
}
END_TEST

/* As it would have been had it been asked for so many trials. */
START_TEST(the_trials_of_a_canceled_tune_are_those_that_any_run_gives)
{
    static const char first[] =
        "SELECT md5(string_agg(concat_ws(' ', trial_index, params, score,"
        " status), ',' ORDER BY trial_index)) FROM backtest_tune_runs"
        " WHERE tune_id = $ID AND trial_index < 5";
    char *canceled, *whole;

    begin_canceled("1000000");
    world.on_progress = cancel;
    tune_world_run(&world);
    ck_assert(world.end.is_canceled);
    canceled = tune_world_query(&world, first);
    world.on_progress = NULL;
    world.is_canceled = false;
    begin_canceled("50");
    tune_world_run(&world);
    ck_assert(world.end.err == TM_OK && !world.end.is_canceled);
    whole = tune_world_query(&world, first);
    ck_assert_str_eq(canceled, whole);
    free(canceled);
    free(whole);
}
END_TEST

static void
cancel_and_take_lease(struct tune_world *self, uint64_t done, uint64_t total)
{
    (void)total;
    if (done == 0 || self->is_canceled)
        return;
    self->is_canceled = true;
    tune_world_expect(self, "UPDATE jobs SET attempt = 2 WHERE id = $ID", "");
}

START_TEST(a_canceled_tune_that_lost_its_lease_stores_nothing)
{
    begin_canceled("1000000");
    world.on_progress = cancel_and_take_lease;
    tune_world_run(&world);
    ck_assert_int_eq(world.end.err, TM_LEASE_LOST);
    expect_nothing_written();
    tune_world_expect(&world, "SELECT attempt, state FROM jobs WHERE id = $ID", "2|running");
}
END_TEST

/* Its broker ended it, as it does when a worker does not stop: that stands. */
static void
cancel_and_end(struct tune_world *self, uint64_t done, uint64_t total)
{
    (void)total;
    if (done == 0 || self->is_canceled)
        return;
    self->is_canceled = true;
    tune_world_expect(
        self,
        "WITH gone AS (DELETE FROM jobs WHERE id = $ID RETURNING *)"
        " INSERT INTO job_runs (id, workspace_id, queue, outcome, attempt, failures,"
        " created_at) SELECT id, workspace_id, queue, 'canceled', attempt, 0,"
        " created_at FROM gone",
        "");
}

START_TEST(a_canceled_tune_that_its_broker_has_ended_stores_nothing)
{
    begin_canceled("1000000");
    world.on_progress = cancel_and_end;
    tune_world_run(&world);
    ck_assert_int_eq(world.end.err, TM_LEASE_LOST);
    tune_world_expect(&world, "SELECT count(*) FROM backtest_tune_runs", "0");
    tune_world_expect(&world, "SELECT status, best_score FROM backtest_tunes", "canceled|");
}
END_TEST

static void
cancel_at_the_end(struct tune_world *self, uint64_t done, uint64_t total)
{
    self->is_canceled = done == total;
}

/* Its broker is told, so that it gets the time to store them. */
START_TEST(a_tune_canceled_when_all_its_trials_were_run_keeps_them)
{
    begin_canceled("50");
    world.on_progress = cancel_at_the_end;
    tune_world_run(&world);
    ck_assert(world.end.err == TM_OK && world.end.is_canceled);
    ck_assert_uint_eq(world.stopped, 1);
    tune_world_expect(&world, "SELECT status, trials_completed, n_trials FROM backtest_tunes",
                      "canceled|50|50");
}
END_TEST

static void
cancel_in_the_copy(struct tune_world *self)
{
    char *rows = tune_world_query(self, "SELECT count(*) FROM pg_stat_progress_copy");

    self->is_canceled = self->is_canceled || strcmp(rows, "0") != 0;
    free(rows);
}

START_TEST(a_tune_canceled_while_it_is_stored_is_completed)
{
    begin_canceled("3000");
    world.on_cancel_asked = cancel_in_the_copy;
    tune_world_run(&world);
    ck_assert(world.is_canceled);
    ck_assert(world.end.err == TM_OK && !world.end.is_canceled);
    ck_assert_uint_eq(world.stopped, 1);
    tune_world_expect(&world, "SELECT status, trials_completed FROM backtest_tunes",
                      "completed|3000");
}
END_TEST

START_TEST(a_tune_canceled_before_its_first_trial_has_nothing_to_keep)
{
    begin_canceled("1000000");
    world.is_canceled = true;
    tune_world_run(&world);
    ck_assert_int_eq(world.end.err, TM_LEASE_LOST);
    ck_assert(!world.end.is_canceled && world.stopped == 0);
    expect_nothing_written();
    tune_world_expect(&world, "SELECT count(*) FROM job_runs", "0");
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
                a_tune_without_its_lease_stops_within_a_second,
                a_canceled_tune_stops_soon_and_keeps_what_it_found,
                the_trials_of_a_canceled_tune_are_those_that_any_run_gives,
                a_canceled_tune_that_lost_its_lease_stores_nothing,
                a_canceled_tune_that_its_broker_has_ended_stores_nothing,
                a_tune_canceled_when_all_its_trials_were_run_keeps_them,
                a_tune_canceled_while_it_is_stored_is_completed,
                a_tune_canceled_before_its_first_trial_has_nothing_to_keep);
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
