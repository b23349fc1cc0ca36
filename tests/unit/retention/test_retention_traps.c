/* What PostgreSQL makes hard, numbered as in 054_retention_functions.sql; locks, kills, and two
 * at once. Trap 8, pg_cron's own, is in test_retention_cron.c. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/util/clock.h"
#include "tests/unit/retention/retention_help.h"
#include "tests/support/suite.h"

/* Makes each deletion of a job's run fail, or take `seconds`, by a trigger. */
static void
make_deletion(const char *body)
{
    queue_expect("",
                 "CREATE OR REPLACE FUNCTION hinder() RETURNS trigger LANGUAGE plpgsql AS $$"
                 " BEGIN %s; RETURN OLD; END $$;"
                 "CREATE OR REPLACE TRIGGER hinders BEFORE DELETE ON job_runs"
                 " FOR EACH ROW EXECUTE FUNCTION hinder()",
                 body);
}

/* 1 */
START_TEST(a_run_that_fails_leaves_its_row_in_the_log)
{
    retention_job_runs(10, "40 days");
    make_deletion("RAISE EXCEPTION 'the disk is full' USING ERRCODE = '53100'");
    queue_expect("0|t", "SELECT deleted_count, job_log_id IS NOT NULL"
                        " FROM retention_prune_job_runs('30 days', 100, false)");
    retention_last("job-runs", "false 0 false the disk is full (53100)");
    queue_ask("CALL retention_run('job-runs')");
    queue_expect("2|2|10",
                 "SELECT count(*), count(*) FILTER (WHERE NOT ok AND finished_at IS NOT"
                 " NULL), (SELECT count(*) FROM job_runs) FROM retention_job_log");
}
END_TEST

/* 1: what was deleted before stays deleted, and is counted */
START_TEST(a_run_that_fails_later_keeps_the_batches_before)
{
    retention_job_runs(300, "40 days");
    queue_expect("", "UPDATE job_runs SET queue = 'stuck' WHERE id = (SELECT id FROM job_runs"
                     " ORDER BY ctid OFFSET 249 LIMIT 1)");
    make_deletion("IF OLD.queue = 'stuck' THEN RAISE EXCEPTION 'no'; END IF");
    queue_expect("", "VACUUM job_runs");
    queue_ask("CALL retention_run('job-runs', p_batch_size => 100)");
    queue_expect("f|no (P0001)|t|t",
                 "SELECT ok, error, deleted_count >= 200, deleted_count ="
                 " 300 - (SELECT count(*) FROM job_runs) FROM retention_job_log");
}
END_TEST

/* 2, 7, 10: other sessions see batch after batch go, and the cutoff stays what it was */
START_TEST(each_batch_is_committed_and_the_cutoff_is_taken_once)
{
    PGconn *session = queue_session();
    char *run;

    retention_job_runs(300, "40 days");
    retention_job_runs(1, "30 days -3 s"); /* would be old enough at the end */
    make_deletion("PERFORM pg_sleep(0.015)");
    ck_assert_int_eq(
        PQsendQuery(session, "CALL retention_run('job-runs', p_batch_size => 100)"), 1);
    retention_await("100", "SELECT max(deleted_count) FROM retention_job_log");
    queue_expect("t", "SELECT count(*) BETWEEN 101 AND 201 FROM job_runs");
    queue_expect("t|", "SELECT finished_at IS NULL, ok FROM retention_job_log");
    run = queue_collect(session);
    ck_assert_msg(strncmp(run, "ERROR", 5) != 0, "%s", run);
    free(run);
    PQfinish(session);
    retention_last("job-runs", "true 300 false -");
    queue_expect("t", "SELECT clock_timestamp() - before > interval '30 days 3 s'"
                      " FROM retention_job_log");
    queue_expect("1", "SELECT count(*) FROM job_runs");
}
END_TEST

/* 3, 4: where a procedure may not commit, nothing happens at all */
START_TEST(within_a_transaction_a_run_is_an_error_and_deletes_nothing)
{
    PGconn *session = queue_session();
    PGresult *result;

    retention_job_runs(3, "40 days");
    queue_expect("f|t|p", "SELECT prosecdef, proconfig IS NULL, prokind FROM pg_proc"
                          " WHERE proname = 'retention_run'");
    queue_run(session, "BEGIN");
    result = PQexec(session, "CALL retention_run('job-runs')");
    ck_assert_str_eq(PQresultErrorField(result, PG_DIAG_SQLSTATE), "2D000");
    PQclear(result);
    queue_run(session, "ROLLBACK");
    queue_expect("3|0", "SELECT (SELECT count(*) FROM job_runs),"
                        " (SELECT count(*) FROM retention_job_log)");
    /* the lock was the session's, and stays: 6 */
    retention_last("job-runs", "");
    queue_ask("CALL retention_run('job-runs')");
    retention_last("job-runs", "null 0 false skipped: another run of this job is under way");
    queue_run(session, "SELECT pg_advisory_unlock_all()");
    retention_expect_run("job-runs", 3);
    PQfinish(session);
}
END_TEST

/* 5: what pg_cron is given is one statement, and one that works as a simple query */
START_TEST(two_statements_in_one_query_are_a_transaction_and_one_is_not)
{
    const char *answer;

    retention_job_runs(3, "40 days");
    answer = queue_ask("CALL retention_run('job-runs'); SELECT 1");
    ck_assert_msg(strstr(answer, "invalid transaction termination"), "%s", answer);
    queue_expect("3", "SELECT count(*) FROM job_runs");
    answer = queue_ask("CALL retention_run('job-runs')");
    ck_assert_msg(strncmp(answer, "ERROR", 5) != 0, "%s", answer);
    queue_expect("0", "SELECT count(*) FROM job_runs");
}
END_TEST

/* 6 */
START_TEST(a_run_holds_its_lock_over_its_commits_and_gives_it_back)
{
    PGconn *session = queue_session();
    char *run;

    retention_job_runs(300, "40 days");
    make_deletion("PERFORM pg_sleep(0.01)");
    ck_assert_int_eq(
        PQsendQuery(session, "CALL retention_run('job-runs', p_batch_size => 100)"), 1);
    retention_await("100", "SELECT max(deleted_count) FROM retention_job_log");
    queue_expect("t|f", "SELECT retention_is_running('job-runs'),"
                        " retention_is_running('match-runs')");
    run = queue_collect(session);
    free(run);
    queue_expect("f|0", "SELECT retention_is_running('job-runs'), (SELECT count(*)"
                        " FROM pg_locks WHERE locktype = 'advisory')");
    make_deletion("RAISE EXCEPTION 'no'");
    retention_job_runs(1, "40 days");
    queue_run(session, "CALL retention_run('job-runs')");
    queue_expect("f", "SELECT retention_is_running('job-runs')");
    PQfinish(session);
}
END_TEST

START_TEST(two_at_once_do_no_harm)
{
    PGconn *first = queue_session();
    char *run;

    retention_job_runs(300, "40 days");
    make_deletion("PERFORM pg_sleep(0.01)");
    ck_assert_int_eq(PQsendQuery(first, "CALL retention_run('job-runs', p_batch_size => 100)"),
                     1);
    retention_await("100", "SELECT max(deleted_count) FROM retention_job_log");
    queue_ask("CALL retention_run('job-runs', 'cli')");
    queue_expect("0|t", "SELECT deleted_count, job_log_id IS NOT NULL"
                        " FROM retention_prune_job_runs('30 days', 100, false)");
    queue_expect("2", "SELECT count(*) FROM retention_job_log WHERE ok IS NULL AND error ="
                      " 'skipped: another run of this job is under way'");
    run = queue_collect(first);
    free(run);
    PQfinish(first);
    queue_expect("300|0", "SELECT sum(deleted_count), (SELECT count(*) FROM job_runs)"
                          " FROM retention_job_log");
    queue_expect("0", "SELECT retention_failures('job-runs')");
}
END_TEST

/* 9, 10 */
START_TEST(a_locked_table_is_a_failure_within_2_seconds_and_the_others_go_on)
{
    PGconn *holder = queue_session();

    retention_job_runs(3, "40 days");
    retention_keys(3, "1 s");
    queue_run(holder, "BEGIN");
    queue_run(holder, "LOCK TABLE job_runs IN SHARE MODE");
    queue_ask("CALL retention_run('job-runs')");
    queue_expect("f|0|the table was locked by somebody else for more than 2 s|t",
                 "SELECT ok, deleted_count, error, duration_ms >= 1900"
                 " FROM retention_job_log");
    retention_expect_run("idempotency-keys", 3);
    queue_run(holder, "COMMIT");
    PQfinish(holder);
    retention_expect_run("job-runs", 3);
}
END_TEST

/* 10 */
START_TEST(a_row_that_somebody_has_is_left_for_the_next_run)
{
    PGconn *holder = queue_session();

    retention_job_runs(200, "40 days");
    retention_events(3, "RUN_STARTED", "false", "100 days");
    queue_run(holder, "BEGIN");
    queue_run(holder, "SELECT 1 FROM job_runs WHERE id = (SELECT min(id::text)::uuid FROM"
                      " job_runs) FOR UPDATE");
    queue_run(holder, "UPDATE trade_events SET pinned = true WHERE id = (SELECT"
                      " min(id::text)::uuid FROM trade_events)");
    retention_expect_run("job-runs", 199);
    retention_expect_run("trade-events", 2);
    queue_run(holder, "COMMIT");
    PQfinish(holder);
    retention_expect_run("job-runs", 1);
    retention_expect_run("trade-events", 0);
    queue_expect("1", "SELECT count(*) FROM trade_events WHERE pinned");
}
END_TEST

/* The backend is killed as a crash would: the log's row stays open, and the next run closes it.
 */
START_TEST(a_run_that_is_killed_keeps_its_batches_and_the_next_goes_on)
{
    PGconn *session = queue_session();

    retention_make_due();
    retention_job_runs(300, "40 days");
    make_deletion("PERFORM pg_sleep(0.01)");
    ck_assert_int_eq(
        PQsendQuery(session, "CALL retention_run('job-runs', p_batch_size => 100)"), 1);
    retention_await("100", "SELECT max(deleted_count) FROM retention_job_log");
    queue_expect("0", "SELECT count(*) FROM retention_due('0', '15 min') d (j)"
                      " WHERE j = 'job-runs'");
    queue_ask("SELECT pg_terminate_backend(%d, 60000)", PQbackendPID(session));
    PQfinish(session);
    queue_expect("t|f", "SELECT finished_at IS NULL, retention_is_running('job-runs')"
                        " FROM retention_job_log");
    queue_expect("1", "SELECT count(*) FROM retention_due('0', '15 min') d (j)"
                      " WHERE j = 'job-runs'");
    make_deletion("NULL");
    queue_expect("t", "SELECT count(*) BETWEEN 100 AND 200 FROM job_runs");
    queue_ask("CALL retention_run('job-runs')");
    queue_expect("false|it was cut off: its process, its connection or the database ended\n"
                 "true|-",
                 "SELECT ok::text, coalesce(error, '-') FROM retention_job_log"
                 " ORDER BY started_at");
    queue_expect("0|300", "SELECT (SELECT count(*) FROM job_runs), sum(deleted_count)"
                          " FROM retention_job_log");
}
END_TEST

START_TEST(a_run_that_a_person_stops_says_so)
{
    PGconn *session = queue_session();
    char *run;

    retention_job_runs(100, "40 days");
    make_deletion("PERFORM pg_sleep(60)");
    ck_assert_int_eq(PQsendQuery(session, "CALL retention_run('job-runs')"), 1);
    retention_await("1", "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
    queue_ask("SELECT pg_cancel_backend(%d)", PQbackendPID(session));
    run = queue_collect(session);
    ck_assert_msg(strstr(run, "it was stopped"), "%s", run);
    free(run);
    retention_last("job-runs", "false 0 false it was stopped, by a person or by a limit on the "
                               "time of statements");
    queue_expect("f", "SELECT retention_is_running('job-runs')");
    PQfinish(session);
}
END_TEST

/* How many pages of the table a run over 50000 rows looked at, some of them for each row. */
static long long
pages_read(int batch_size)
{
    PGconn *session = queue_session();
    const char *read = "SELECT heap_blks_hit + heap_blks_read FROM pg_statio_user_tables"
                       " WHERE relname = 'job_runs'";
    long long before;

    queue_expect("", "TRUNCATE job_runs");
    retention_job_runs(50000, "40 days");
    queue_expect("", "ANALYZE job_runs");
    queue_run(session, "SELECT pg_stat_force_next_flush()");
    before = strtoll(queue_ask("%s", read), NULL, 10);
    queue_run(session, "CALL retention_run('job-runs', p_batch_size => %d)", batch_size);
    queue_run(session, "SELECT pg_stat_force_next_flush()");
    PQfinish(session);
    retention_last("job-runs", "true 50000 false -");
    return strtoll(queue_ask("%s", read), NULL, 10) - before;
}

/* What is looked at grows with the table, not with its square. A query that began anew with
 * each batch would look at 60 % more. */
START_TEST(the_batches_of_a_run_do_not_look_at_what_is_dead)
{
    long long many = pages_read(100), few = pages_read(10000);

    ck_assert_msg(few > 0 && many < few * 5 / 4, "%lld in 500 batches, %lld in 5", many, few);
}
END_TEST

void
retention_traps_add(Suite *suite)
{
    TCase *tcase = suite_case(suite, "traps", queue_setup, queue_teardown);

    suite_tests(tcase, a_run_that_fails_leaves_its_row_in_the_log,
                a_run_that_fails_later_keeps_the_batches_before,
                each_batch_is_committed_and_the_cutoff_is_taken_once,
                within_a_transaction_a_run_is_an_error_and_deletes_nothing,
                two_statements_in_one_query_are_a_transaction_and_one_is_not,
                a_run_holds_its_lock_over_its_commits_and_gives_it_back, two_at_once_do_no_harm,
                a_locked_table_is_a_failure_within_2_seconds_and_the_others_go_on,
                a_row_that_somebody_has_is_left_for_the_next_run,
                a_run_that_is_killed_keeps_its_batches_and_the_next_goes_on,
                a_run_that_a_person_stops_says_so,
                the_batches_of_a_run_do_not_look_at_what_is_dead);
}
