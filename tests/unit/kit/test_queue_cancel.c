/* job_cancel: jobs of every state, families, and what happens meanwhile. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tests/unit/kit/queue_help.h"

#define TUNE_BODY                                                                      \
    "{\"strategy\": {\"name\": \"x\"}, \"search_type\": \"grid\", \"objective_type\":" \
    " \"score\", \"n_trials\": 4}"

static const struct {
    const char *state, *answer, *left;
} cancels[] = {
    {"ready", "canceled", "0|1"},
    {"scheduled", "canceled", "0|1"},
    {"waiting", "canceled", "0|1"},
    {"running", "canceling", "1|0"},
};

START_TEST(a_live_job_is_canceled_or_asked_to_stop)
{
    char word[64];
    PGconn *listener = queue_session();
    bool is_running = strcmp(cancels[_i].state, "running") == 0;

    queue_run(listener, "LISTEN tunemill");
    queue_put(1, "mail", cancels[_i].state, 0);
    for (int again = 0; again < 2; again++)
        queue_expect(cancels[_i].answer, "SELECT job_cancel('%s')", queue_id(1));
    queue_expect(cancels[_i].left, "SELECT (SELECT count(*) FROM jobs),"
                                   " (SELECT count(*) FROM job_runs"
                                   " WHERE outcome = 'canceled')");
    queue_expect(is_running ? "t" : "", "SELECT cancel_at IS NOT NULL FROM jobs");
    snprintf(word, sizeof word, "%s:%s", is_running ? "cancel" : "over", queue_id(1));
    queue_expect_word(listener, word);
    PQfinish(listener);
}
END_TEST

START_TEST(a_job_that_has_ended_is_as_it_was)
{
    queue_put(1, "mail", "running", 0);
    queue_bury(2, "mail", "JOB_FAILED", "1 min");
    queue_expect("", "SELECT job_finish('%s', 1, 'result')", queue_id(1));
    queue_expect("done", "SELECT job_cancel('%s')", queue_id(1));
    queue_expect("dead", "SELECT job_cancel('%s')", queue_id(2));
    queue_expect("unknown", "SELECT job_cancel('%s')", queue_id(3));
    queue_expect("done|1", "SELECT outcome, (SELECT count(*) FROM dead_jobs) FROM job_runs");
}
END_TEST

/* 1 has the children 2 (running), 3 and 4, and 4 has 5. */
static void
put_family(void)
{
    queue_put(1, "mail", "waiting", 0);
    queue_put(2, "mail", "running", 1);
    queue_put(3, "mail", "scheduled", 1);
    queue_put(4, "mail", "waiting", 1);
    queue_put(5, "mail", "ready", 4);
    queue_expect("", "UPDATE jobs SET children_left ="
                     " (SELECT count(*) FROM jobs c WHERE c.parent_id = jobs.id)");
}

START_TEST(with_a_parent_its_whole_family_is_canceled)
{
    put_family();
    queue_expect("canceled", "SELECT job_cancel('%s')", queue_id(1));
    queue_expect(queue_id(2), "SELECT id FROM jobs WHERE cancel_at IS NOT NULL");
    queue_expect("1|4", "SELECT (SELECT count(*) FROM jobs), count(*) FROM job_runs");
    queue_expect("", "SELECT job_finish('%s', 1, '')", queue_id(2)); /* its parent is gone */
}
END_TEST

START_TEST(after_its_last_child_a_parent_runs_whatever_became_of_them)
{
    put_family();
    queue_expect("canceled", "SELECT job_cancel('%s')", queue_id(4));
    queue_expect("canceled", "SELECT job_cancel('%s')", queue_id(3));
    queue_expect("waiting|1", "SELECT state, children_left FROM jobs WHERE id = '%s'",
                 queue_id(1));
    queue_expect("", "SELECT job_finish('%s', 1, '')", queue_id(2));
    queue_expect("ready|0|t",
                 "SELECT state, children_left, rank = job_rank(run_at, priority)"
                 " AND run_at > now() - interval '1 min' FROM jobs WHERE id = '%s'",
                 queue_id(1));
}
END_TEST

START_TEST(a_job_whose_state_changes_meanwhile_is_canceled_as_it_then_is)
{
    PGconn *broker = queue_session(), *person = queue_session();
    char sql[100], *state;

    queue_put(1, "mail", "running", 0);
    queue_run(broker, "BEGIN; UPDATE jobs SET state = 'scheduled', lease_broker = NULL,"
                      " run_at = now() + interval '1 hour'");
    snprintf(sql, sizeof sql, "SELECT job_cancel('%s')", queue_id(1));
    queue_send_and_block(person, sql);
    queue_run(broker, "COMMIT");
    state = queue_collect(person);
    ck_assert_str_eq(state, "canceled");
    queue_expect("0", "SELECT count(*) FROM jobs");
    free(state);
    PQfinish(broker);
    PQfinish(person);
}
END_TEST

/* The end of a child locks the child, then its parent. */
START_TEST(canceling_a_family_and_the_end_of_a_child_do_not_block_each_other)
{
    PGconn *worker = queue_session(), *person = queue_session();
    char sql[100], *state;

    queue_put(1, "mail", "waiting", 0);
    queue_put(2, "mail", "ready", 1);
    queue_put(3, "mail", "running", 1);
    queue_expect("", "UPDATE jobs SET children_left = 2 WHERE parent_id IS NULL");
    queue_run(worker, "BEGIN; SELECT 1 FROM jobs WHERE id = '%s' FOR UPDATE", queue_id(3));
    snprintf(sql, sizeof sql, "SELECT job_cancel('%s')", queue_id(1));
    queue_send_and_block(person, sql);
    queue_run(worker, "SELECT job_finish('%s', 1, ''); COMMIT", queue_id(3));
    state = queue_collect(person);
    ck_assert_str_eq(state, "canceled");
    queue_expect("0", "SELECT count(*) FROM jobs");
    queue_expect("2|1", "SELECT count(*) FILTER (WHERE outcome = 'canceled'),"
                        " count(*) FILTER (WHERE outcome = 'done') FROM job_runs");
    free(state);
    PQfinish(worker);
    PQfinish(person);
}
END_TEST

START_TEST(a_tune_whose_job_is_canceled_is_canceled)
{
    const char *id = queue_ask("SELECT jobs_enqueue('tune', '%s')", TUNE_BODY);

    queue_expect("queued", "SELECT status FROM backtest_tunes WHERE id = '%s'", id);
    queue_expect("canceled", "SELECT job_cancel('%s')", id);
    queue_expect("canceled|CANCELED|t",
                 "SELECT status, error_code, finished_at IS NOT NULL FROM backtest_tunes");
}
END_TEST

TCase *
queue_cancel_case(void)
{
    TCase *tcase = case_new("cancel", NULL, NULL);

    suite_rows(tcase, a_live_job_is_canceled_or_asked_to_stop, cancels);
    suite_tests(tcase, a_job_that_has_ended_is_as_it_was,
                with_a_parent_its_whole_family_is_canceled,
                after_its_last_child_a_parent_runs_whatever_became_of_them,
                a_job_whose_state_changes_meanwhile_is_canceled_as_it_then_is,
                canceling_a_family_and_the_end_of_a_child_do_not_block_each_other,
                a_tune_whose_job_is_canceled_is_canceled);
    return tcase;
}
