/* What retention deletes and what it leaves, by the functions of DESIGN and by retention_run;
 * which jobs are due. The traps are in test_retention_traps.c, the data of tunes in
 * test_retention_data.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/runtime/log.h"
#include "tests/unit/retention/retention_help.h"
#include "tests/support/pg_suite.h"

static void
expect_pruned(const char *call, int deleted)
{
    char want[20];

    snprintf(want, sizeof(want), "%d|t", deleted);
    queue_expect(want, "SELECT deleted_count, job_log_id IS NOT NULL FROM retention_prune_%s",
                 call);
}

/* --- the functions ------------------------------------------------------------------------ */

START_TEST(the_functions_have_the_signatures_that_operators_know)
{
    queue_expect(
        "retention_prune_idempotency_keys|p_batch_size integer, p_dry_run boolean"
        "|TABLE(deleted_count bigint, job_log_id uuid)\n"
        "retention_prune_job_runs|p_cutoff interval, p_batch_size integer, p_dry_run boolean"
        "|TABLE(deleted_count bigint, job_log_id uuid)\n"
        "retention_prune_match_runs|p_cutoff interval, p_batch_size integer, p_dry_run boolean"
        "|TABLE(deleted_count bigint, job_log_id uuid)\n"
        "retention_prune_trade_events|p_cutoff interval, p_batch_size integer, p_dry_run "
        "boolean|TABLE(deleted_count bigint, job_log_id uuid)",
        "SELECT proname, pg_get_function_identity_arguments(oid), pg_get_function_result(oid)"
        "  FROM pg_proc WHERE proname LIKE 'retention\\_prune\\_%%' ORDER BY 1");
}
END_TEST

START_TEST(a_dry_run_counts_and_deletes_nothing)
{
    retention_events(3, "RUN_STARTED", "false", "91 days");
    retention_job_runs(4, "31 days");
    retention_match_runs(5, "resolved", "181 days");
    retention_keys(6, "1 s");
    expect_pruned("trade_events()", 3);
    retention_last("trade-events", "true 3 true -");
    expect_pruned("job_runs()", 4);
    expect_pruned("match_runs(p_dry_run => true)", 5);
    expect_pruned("idempotency_keys()", 6);
    expect_pruned("idempotency_keys(p_dry_run => NULL)", 6);
    queue_expect("3|4|5|6",
                 "SELECT (SELECT count(*) FROM trade_events),"
                 " (SELECT count(*) FROM job_runs), (SELECT count(*) FROM match_runs),"
                 " (SELECT count(*) FROM idempotency_keys)");
}
END_TEST

START_TEST(only_run_events_that_are_not_pinned_go)
{
    retention_events(2, "RUN_STARTED", "false", "91 days");
    retention_events(2, "RUN_COMPLETED", "true", "91 days");
    retention_events(2, "RUN_FAILED", "false", "89 days");
    retention_events(2, "ORDER_FILLED", "false", "900 days");
    retention_events(2, "RUNNER_UP", "false", "900 days");
    expect_pruned("trade_events('90 days', 10000, false)", 2);
    queue_expect("ORDER_FILLED|2\nRUNNER_UP|2\nRUN_COMPLETED|2\nRUN_FAILED|2",
                 "SELECT event_type, count(*) FROM trade_events GROUP BY 1"
                 " ORDER BY event_type COLLATE \"C\"");
}
END_TEST

START_TEST(only_match_runs_that_are_resolved_go)
{
    retention_match_runs(1, "open", "900 days");
    retention_match_runs(2, "acknowledged", "900 days");
    retention_match_runs(3, "resolved", "181 days");
    retention_match_runs(4, "resolved", "179 days");
    expect_pruned("match_runs('180 days', 100, false)", 3);
    queue_expect("acknowledged|2\nopen|1\nresolved|4",
                 "SELECT coverage_status, count(*) FROM match_runs GROUP BY 1 ORDER BY 1");
}
END_TEST

START_TEST(what_is_as_old_as_the_cutoff_stays_until_it_is_older)
{
    retention_job_runs(1, "30 days -10 s");
    retention_job_runs(1, "30 days 1 ms");
    retention_events(1, "RUN_STARTED", "false", "90 days -10 s");
    retention_events(1, "RUN_STARTED", "false", "90 days 1 ms");
    retention_keys(1, "-10 s");
    retention_keys(1, "1 ms");
    expect_pruned("job_runs('30 days', 100, false)", 1);
    expect_pruned("trade_events('90 days', 100, false)", 1);
    expect_pruned("idempotency_keys(100, false)", 1);
    expect_pruned("job_runs('30 days', 100, false)", 0);
    queue_expect("1|1|1", "SELECT (SELECT count(*) FROM trade_events),"
                          " (SELECT count(*) FROM job_runs),"
                          " (SELECT count(*) FROM idempotency_keys)");
}
END_TEST

/* However many rows one batch holds, and however many have the same time, all go. */
START_TEST(many_batches_delete_all_that_one_would)
{
    static const int sizes[] = {100, 101, 2500, 100000};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char call[80];

        retention_job_runs(2500, "40 days");
        retention_job_runs(10, "1 day");
        retention_events(2500, "RUN_STARTED", "false", "100 days");
        snprintf(call, sizeof(call), "job_runs('30 days', %d, false)", sizes[i]);
        expect_pruned(call, 2500);
        snprintf(call, sizeof(call), "trade_events('90 days', %d, false)", sizes[i]);
        expect_pruned(call, 2500);
    }
    queue_expect("40", "SELECT count(*) FROM job_runs");
}
END_TEST

START_TEST(a_wrong_parameter_is_a_failed_run_of_a_function)
{
    retention_job_runs(1, "400 days");
    expect_pruned("job_runs('30 days', 99, false)", 0);
    retention_last("job-runs", "false 0 false the batch size must be from 100 to 100000");
    expect_pruned("job_runs('30 days', 100001, false)", 0);
    expect_pruned("job_runs('12 hours', 100, false)", 0);
    retention_last("job-runs",
                   "false 0 false the cutoff must be from 1 to 365 days for job-runs");
    expect_pruned("job_runs('366 days', 100, true)", 0);
    expect_pruned("match_runs('731 days', 100, false)", 0);
    expect_pruned("match_runs('730 days', 100, false)", 0);
    retention_last("match-runs", "true 0 false -");
    queue_expect("1", "SELECT count(*) FROM job_runs");
}
END_TEST

/* --- the procedure ------------------------------------------------------------------------ */

START_TEST(a_run_tells_what_the_log_says)
{
    retention_job_runs(250, "40 days");
    queue_ask("CALL retention_run('job-runs', 'admin', '35 days', 100)");
    queue_expect("job-runs|35 days|100|250|t||admin|f|t|t",
                 "SELECT job_name, cutoff, batch_size, deleted_count, ok, error, who, dry_run,"
                 " finished_at >= started_at, before < started_at - interval '34 days'"
                 " FROM retention_job_log");
    queue_expect("250|t|job-runs|35",
                 "SELECT r ->> 'deleted_count', r ->> 'ok' = 'true', r ->> 'job_name',"
                 " r ->> 'cutoff_days' FROM (SELECT retention_run_json(id) FROM"
                 " retention_job_log) q (r)");
}
END_TEST

START_TEST(what_nobody_may_ask_for_is_refused_and_not_logged)
{
    static const char *const calls[][2] = {
        {"'nothing'", "there is no such retention job"},
        {"'job-runs', p_cutoff => '366 days'", "from 1 to 365 days"},
        {"'job-runs', p_cutoff => '-1 day'", "from 1 to 365 days"},
        {"'job-runs', p_batch_size => 1", "from 100 to 100000"},
    };

    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        const char *answer = queue_ask("CALL retention_run(%s)", calls[i][0]);

        ck_assert_msg(strncmp(answer, "ERROR", 5) == 0 && strstr(answer, calls[i][1]), "%s: %s",
                      calls[i][0], answer);
    }
    queue_expect("0", "SELECT count(*) FROM retention_job_log");
}
END_TEST

START_TEST(a_run_out_of_time_says_so_and_the_next_goes_on)
{
    retention_job_runs(500, "40 days");
    queue_expect("", "UPDATE retention_policies SET budget = '0' WHERE job_name = 'job-runs'");
    queue_ask("CALL retention_run('job-runs')");
    retention_last("job-runs", "true 0 false its time was over before all was deleted: the "
                               "next run goes on");
    queue_expect("",
                 "UPDATE retention_policies SET budget = '1 h' WHERE job_name = 'job-runs'");
    retention_expect_run("job-runs", 500);
}
END_TEST

START_TEST(every_policy_runs_on_an_empty_database)
{
    char *jobs = strdup(queue_ask("SELECT job_name FROM retention_policies"));
    char *at = NULL;
    int count = 0;

    for (char *job = strtok_r(jobs, "\n", &at); job; job = strtok_r(NULL, "\n", &at)) {
        retention_expect_run(job, 0);
        count++;
    }
    free(jobs);
    ck_assert_int_eq(count, 9);
}
END_TEST

START_TEST(a_batch_that_takes_long_is_followed_by_smaller_ones)
{
    queue_expect("5000|10000|10000|800|100|10|10",
                 "SELECT retention_next_batch(10000, 10000, '251 ms'),"
                 " retention_next_batch(10000, 10000, '200 ms'),"
                 " retention_next_batch(6000, 10000, '50 ms'),"
                 " retention_next_batch(400, 10000, '50 ms'),"
                 " retention_next_batch(150, 10000, '9 s'),"
                 " retention_next_batch(10, 10, '9 s'), retention_next_batch(10, 10, '0')");
}
END_TEST

START_TEST(the_log_is_pruned_as_well)
{
    queue_expect("", "INSERT INTO retention_job_log (job_name, started_at, dry_run, who)"
                     " VALUES ('job-runs', now() - interval '366 days', false, 'cron'),"
                     "        ('job-runs', now() - interval '364 days', false, 'cron')");
    retention_expect_run("retention-log", 1);
    queue_expect("2", "SELECT count(*) FROM retention_job_log");
}
END_TEST

/* --- what is due -------------------------------------------------------------------------- */

#define DUE "SELECT coalesce(string_agg(j, ' '), '') FROM retention_due('0', '15 min') r (j)"

START_TEST(a_policy_waits_for_its_first_time_and_is_made_up_for_after_it)
{
    queue_expect("", DUE);
    retention_make_due();
    queue_expect("trade-events job-runs match-runs idempotency-keys datasets dataset-pieces "
                 "explanations retention-log",
                 DUE);
    queue_expect("", "UPDATE retention_policies SET enabled = job_name = 'job-runs'");
    queue_expect("job-runs", DUE);
    queue_ask("CALL retention_run('job-runs', p_dry_run => true)");
    queue_expect("job-runs", DUE); /* that was no run */
    retention_expect_run("job-runs", 0);
    queue_expect("", DUE);
}
END_TEST

/* daily_at is always half a day away from now, so that the test is right at any hour. */
START_TEST(a_run_before_the_last_time_does_not_count_and_a_failed_one_only_for_a_while)
{
    queue_expect("", "UPDATE retention_policies SET enabled = job_name = 'job-runs',"
                     " daily_at = (now() AT TIME ZONE 'UTC' - interval '12 hours')::time");
    retention_make_due();
    queue_expect("",
                 "INSERT INTO retention_job_log (job_name, started_at, finished_at, dry_run,"
                 "    ok, who) VALUES ('job-runs', now() - interval '13 hours',"
                 "    now() - interval '13 hours', false, true, 'cron')");
    queue_expect("job-runs", DUE);
    queue_expect("", "SELECT job FROM retention_due('12 hours 10 min', '0') r (job)");
    queue_expect("job-runs", "SELECT job FROM retention_due('11 hours 50 min', '0') r (job)");
    queue_expect("", "UPDATE retention_job_log SET ok = false, finished_at = now(),"
                     " started_at = now() - interval '1 min'");
    queue_expect("", DUE);
    queue_expect("", "UPDATE retention_job_log SET finished_at = now() - interval '16 min',"
                     " started_at = now() - interval '20 min'");
    queue_expect("job-runs", DUE);
}
END_TEST

START_TEST(the_status_counts_failures_since_the_last_success)
{
    queue_expect("", "INSERT INTO retention_job_log (job_name, started_at, dry_run, ok, who)"
                     " SELECT 'job-runs', now() - n * interval '1 hour', n = 2, n = 4, 'cron'"
                     "   FROM generate_series(1, 5) n");
    queue_expect("2", "SELECT retention_failures('job-runs')");
    queue_expect("2|actor|20 3 * * *|30|f|9",
                 "SELECT j ->> 'consecutive_failures', j ->> 'scheduled_by', j ->> 'schedule',"
                 " j ->> 'cutoff_days', (s ->> 'pg_cron_available')::boolean,"
                 " (SELECT count(*) FROM json_object_keys(s -> 'table_estimates'))"
                 " FROM retention_status() s, json_array_elements(s -> 'scheduled_jobs') j"
                 " WHERE j ->> 'job_name' = 'job-runs'");
    queue_expect("t",
                 "SELECT (retention_status() #>> '{table_estimates,idempotency_keys,rows}')"
                 " = (SELECT count(*) FROM idempotency_keys)::text");
    queue_expect("5", "SELECT tm_rows('retention_job_log')"); /* which nothing has analyzed */
    queue_expect("t", "SELECT (retention_status() #>> '{last_runs,job-runs,started_at}')"
                      " = tm_time(max(started_at)) FROM retention_job_log");
}
END_TEST

/* Nothing has analyzed it, and nobody counts it. */
START_TEST(the_rows_of_a_large_table_are_estimated)
{
    queue_expect("", "CREATE TABLE large AS SELECT generate_series(1, 300000) AS n");
    queue_expect("t", "SELECT tm_rows('large') BETWEEN 150000 AND 600000");
    queue_expect("", "DROP TABLE large");
}
END_TEST

static TCase *
add_case(Suite *suite, const char *name)
{
    TCase *tcase = suite_case(suite, name, queue_setup, queue_teardown);

    return tcase;
}

static void
add_functions(TCase *tcase)
{
    suite_tests(tcase, the_functions_have_the_signatures_that_operators_know,
                a_dry_run_counts_and_deletes_nothing, only_run_events_that_are_not_pinned_go,
                only_match_runs_that_are_resolved_go,
                what_is_as_old_as_the_cutoff_stays_until_it_is_older,
                many_batches_delete_all_that_one_would,
                a_wrong_parameter_is_a_failed_run_of_a_function);
}

static void
add_runs(TCase *tcase)
{
    suite_tests(
        tcase, a_run_tells_what_the_log_says, what_nobody_may_ask_for_is_refused_and_not_logged,
        a_run_out_of_time_says_so_and_the_next_goes_on, every_policy_runs_on_an_empty_database,
        a_batch_that_takes_long_is_followed_by_smaller_ones, the_log_is_pruned_as_well,
        a_policy_waits_for_its_first_time_and_is_made_up_for_after_it,
        a_run_before_the_last_time_does_not_count_and_a_failed_one_only_for_a_while,
        the_status_counts_failures_since_the_last_success,
        the_rows_of_a_large_table_are_estimated);
}

int
main(void)
{
    Suite *suite = suite_create("retention sql");

    log_init("test", LOG_AT_ERROR);
    add_functions(add_case(suite, "functions"));
    add_runs(add_case(suite, "runs"));
    retention_data_add(suite);
    retention_traps_add(suite);
    return pg_suite_run(suite, &queue_fixture);
}
