/* What SQL may ask of the queue: jobs_enqueue, job_cancel, dead_retry, and the rules of queues.
 */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/util/auto.h"
#include "actors/kit/runtime/log.h"
#include "tests/support/patience.h"
#include "tests/unit/kit/queue_help.h"
#include "tests/support/pg_suite.h"

#define TUNE_BODY                                                                      \
    "{\"strategy\": {\"name\": \"x\"}, \"search_type\": \"grid\", \"objective_type\":" \
    " \"score\", \"n_trials\": 4}"

/* --- jobs_enqueue ------------------------------------------------------------------------- */

START_TEST(a_job_is_ready_at_once_or_when_its_time_comes)
{
    queue_expect("t", "SELECT jobs_enqueue('mail', '{}') IS NOT NULL");
    queue_expect("t", "SELECT jobs_enqueue('mail', '{}', p_priority := 2,"
                      " p_run_at := '2126-01-01', p_max_attempts := 7,"
                      " p_timeout := '90 s') IS NOT NULL");
    queue_expect("ready|5|5|0|t\nscheduled|2|7|90000|t",
                 "SELECT state, priority, max_attempts, timeout_ms,"
                 " rank = run_at + priority * interval '1 minute' FROM jobs ORDER BY run_at");
}
END_TEST

START_TEST(the_same_request_with_its_key_is_the_same_job)
{
    const char *first = queue_ask("SELECT jobs_enqueue('mail', 'a', p_key := 'k')");

    queue_expect(first, "SELECT jobs_enqueue('mail', 'a', p_key := 'k')");
    queue_expect("1", "SELECT count(*) FROM jobs");
    queue_expect("", "WITH gone AS (DELETE FROM jobs RETURNING *) INSERT INTO job_runs (id,"
                     "  workspace_id, queue, outcome, attempt, failures, created_at)"
                     " SELECT id, workspace_id, queue, 'done', 1, 0, created_at FROM gone");
    queue_expect(first, "SELECT jobs_enqueue('mail', 'a', p_key := 'k')");
    queue_expect("0", "SELECT count(*) FROM jobs");
}
END_TEST

/* Its id would be that of a job that nobody can look at. */
START_TEST(a_key_whose_job_was_dropped_is_new)
{
    char first[64];
    const char *again;

    snprintf(first, sizeof(first), "%s",
             queue_ask("SELECT jobs_enqueue('mail', 'a', p_key := 'k')"));
    queue_expect("", "DELETE FROM jobs"); /* it died and was dropped */
    again = queue_ask("SELECT jobs_enqueue('mail', 'a', p_key := 'k')");
    ck_assert_str_ne(again, first);
    queue_expect("1", "SELECT count(*) FROM jobs");
    queue_expect("1", "SELECT count(*) FROM idempotency_keys");
}
END_TEST

START_TEST(a_key_is_its_scope_s_and_its_workspace_s)
{
    queue_ask("SELECT jobs_enqueue('mail', 'a', p_key := 'k')");
    queue_ask("SELECT jobs_enqueue('mail', 'a', p_key := 'k', p_scope := 'other')");
    queue_ask("SELECT jobs_enqueue('mail', 'a', p_key := 'k', p_workspace := '%s')",
              queue_id(1));
    queue_expect("3|3", "SELECT count(*), count(DISTINCT job_id) FROM idempotency_keys");
    queue_expect("3", "SELECT count(*) FROM jobs");
}
END_TEST

START_TEST(a_key_with_another_request_is_refused)
{
    static const char *const others[] = {"'mail', 'b'", "'post', 'a'"};
    const char *answer;

    queue_ask("SELECT jobs_enqueue('mail', 'a', p_key := 'k')");
    answer = queue_ask("SELECT jobs_enqueue(%s, p_key := 'k')", others[_i]);
    ck_assert_msg(strstr(answer, "IDEMPOTENCY_KEY_REUSED: "), "%s", answer);
    queue_expect("1", "SELECT count(*) FROM jobs");
}
END_TEST

START_TEST(a_key_that_has_expired_is_new)
{
    const char *first = queue_ask("SELECT jobs_enqueue('mail', 'a', p_key := 'k')");
    const char *second;

    queue_expect("", "UPDATE idempotency_keys SET expires_at = now() - interval '1 s'");
    second = queue_ask("SELECT jobs_enqueue('mail', 'b', p_key := 'k')");
    ck_assert_str_ne(first, second);
    queue_expect(second, "SELECT job_id FROM idempotency_keys");
    queue_expect("2", "SELECT count(*) FROM jobs");
}
END_TEST

/* Retention may take a key between the two looks at it. */
START_TEST(a_key_that_goes_while_it_is_looked_at_is_new)
{
    queue_ask("SELECT jobs_enqueue('mail', 'a', p_key := 'k')");
    queue_expect("", "CREATE SEQUENCE calls; CREATE FUNCTION forget() RETURNS trigger"
                     " LANGUAGE plpgsql AS $$ BEGIN IF nextval('calls') = 1 THEN"
                     " DELETE FROM idempotency_keys; END IF; RETURN NULL; END $$;"
                     " CREATE TRIGGER forget AFTER INSERT ON idempotency_keys"
                     " FOR EACH STATEMENT EXECUTE FUNCTION forget()");
    queue_expect("t", "SELECT jobs_enqueue('mail', 'b', p_key := 'k') IS NOT NULL");
    queue_expect("1|2", "SELECT count(*), (SELECT count(*) FROM jobs) FROM idempotency_keys");
}
END_TEST

#define SESSIONS 20

START_TEST(twenty_sessions_with_one_key_make_one_job)
{
    PGconn *gate = queue_session(), *sessions[SESSIONS];
    char *first = NULL;

    queue_run(gate, "SELECT pg_advisory_lock(1)");
    for (int i = 0; i < SESSIONS; i++) {
        sessions[i] = queue_session();
        queue_run(sessions[i], "BEGIN");
        queue_send_and_block(sessions[i],
                             "SELECT pg_advisory_lock_shared(1);"
                             "SELECT jobs_enqueue('mail', 'a', p_key := 'k'); COMMIT;"
                             "SELECT job_id FROM idempotency_keys");
    }
    queue_run(gate, "SELECT pg_advisory_unlock(1)");
    for (int i = 0; i < SESSIONS; i++) {
        char *id = queue_collect(sessions[i]);

        first = first ? first : strdup(id);
        ck_assert_str_eq(id, first);
        free(id);
        PQfinish(sessions[i]);
    }
    queue_expect(first, "SELECT id FROM jobs");
    free(first);
    PQfinish(gate);
}
END_TEST

START_TEST(who_waits_for_a_key_that_is_rolled_back_has_the_job)
{
    PGconn *first = queue_session(), *second = queue_session();
    char *id;

    queue_run(first, "BEGIN; SELECT jobs_enqueue('mail', 'a', p_key := 'k')");
    queue_send_and_block(second, "SELECT jobs_enqueue('mail', 'b', p_key := 'k')");
    queue_run(first, "ROLLBACK");
    id = queue_collect(second);
    queue_expect(id, "SELECT id FROM jobs");
    free(id);
    PQfinish(first);
    PQfinish(second);
}
END_TEST

START_TEST(a_rollback_leaves_nothing)
{
    PGconn *session = queue_session();

    queue_run(session, "BEGIN; SELECT jobs_enqueue('tune', '%s', p_key := 'k')", TUNE_BODY);
    queue_run(session, "ROLLBACK");
    queue_expect("0|0|0", "SELECT (SELECT count(*) FROM jobs), (SELECT count(*) FROM"
                          " idempotency_keys), (SELECT count(*) FROM backtest_tunes)");
    PQfinish(session);
}
END_TEST

static const struct {
    const char *arguments, *says;
} wrong[] = {
    {"NULL, 'a'", "queue: 1 to 64"},
    {"'', 'a'", "queue: 1 to 64"},
    {"'Mail', 'a'", "queue: 1 to 64"},
    {"E'mail\\n', 'a'", "queue: 1 to 64"},
    {"repeat('q', 65), 'a'", "queue: 1 to 64"},
    {"'mail', NULL", "body, workspace and run_at"},
    {"'mail', 'a', NULL", "body, workspace and run_at"},
    {"'mail', 'a', p_run_at := NULL", "body, workspace and run_at"},
    {"'mail', 'a', p_priority := 10", "priority: from 0"},
    {"'mail', 'a', p_priority := -1", "priority: from 0"},
    {"'mail', 'a', p_priority := NULL", "priority: from 0"},
    {"'mail', 'a', p_max_attempts := 0", "max_attempts: from 1"},
    {"'mail', 'a', p_max_attempts := 101", "max_attempts: from 1"},
    {"'mail', convert_to(repeat('x', 16777217), 'UTF8')", "body: at most 16 MiB"},
    {"'mail', 'a', p_run_at := '-infinity'", "run_at, expires_at"},
    {"'mail', 'a', p_run_at := 'infinity'", "run_at, expires_at"},
    {"'mail', 'a', p_run_at := '1969-12-31'", "run_at, expires_at"},
    {"'mail', 'a', p_expires_at := '-infinity'", "run_at, expires_at"},
    {"'mail', 'a', p_timeout := '-1 s'", "timeout: from 0"},
    {"'mail', 'a', p_timeout := '8 days'", "timeout: from 0"},
    {"'mail', 'a', p_key := ''", "key: from 1"},
    {"'mail', 'a', p_key := repeat('k', 201)", "key: from 1"},
    {"'mail', 'a', p_key := 'k', p_scope := NULL", "scope: from 1"},
    {"'mail', 'a', p_key := 'k', p_keep := NULL", "keep: how long"},
    {"'mail', 'a', p_key := 'k', p_keep := '-1 day'", "keep: how long"},
    {"'tune', 'not a request'", "the body of a tune job"},
    {"'tune', '{}'", "the body of a tune job"},
};

START_TEST(a_wrong_argument_is_refused_with_its_name)
{
    PGconn *session = queue_session();
    char sql[300], says[100];
    PGresult *result;

    snprintf(sql, sizeof sql, "SELECT jobs_enqueue(%s)", wrong[_i].arguments);
    snprintf(says, sizeof says, "BAD_REQUEST: %s", wrong[_i].says);
    result = PQexec(session, sql);
    ck_assert_ptr_nonnull(PQresultErrorField(result, PG_DIAG_SQLSTATE));
    ck_assert_str_eq(PQresultErrorField(result, PG_DIAG_SQLSTATE), "TM001");
    ck_assert_msg(
        strncmp(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY), says, strlen(says)) == 0,
        "%s: %s", wrong[_i].arguments, PQresultErrorMessage(result));
    PQclear(result);
    PQfinish(session);
    queue_expect("0|0", "SELECT (SELECT count(*) FROM jobs),"
                        " (SELECT count(*) FROM idempotency_keys)");
}
END_TEST

/* Words come in the order of the commits: one said before its commit would be the first. */
START_TEST(listeners_are_told_of_what_is_committed_and_only_then)
{
    PGconn *listener = queue_session(), *first = queue_session(), *second = queue_session();

    queue_run(listener, "LISTEN tunemill");
    queue_run(first, "BEGIN; SELECT jobs_enqueue('late', 'a')");
    queue_run(second, "BEGIN; SELECT jobs_enqueue('never', 'a'); ROLLBACK");
    queue_run(second, "SELECT tm_tell('mark')");
    queue_expect_word(listener, "mark");
    queue_run(first, "COMMIT");
    queue_expect_word(listener, "ready:late");
    queue_run(second, "SELECT queue_pause('late')");
    queue_expect_word(listener, "queues");
    PQfinish(first);
    PQfinish(second);
    PQfinish(listener);
}
END_TEST

/* --- dead_retry, and the rules of queues -------------------------------------------------- */

static void
die(const char *id, const char *code)
{
    queue_expect("",
                 "WITH gone AS (DELETE FROM jobs WHERE id = '%s' RETURNING *)"
                 " INSERT INTO dead_jobs (id, workspace_id, queue, priority, attempt, failures,"
                 " crashes, max_attempts, timeout_ms, code, detail, created_at, is_join, body)"
                 " SELECT id, workspace_id, queue, priority, 5, 5, 0, max_attempts, timeout_ms,"
                 " '%s', 'it went wrong', created_at, is_join, body FROM gone",
                 id, code);
}

START_TEST(a_tune_that_is_tried_again_is_queued)
{
    static const char *const codes[][2] = {{"JOB_FAILED", "failed"}, {"CANCELED", "canceled"}};
    const char *id = queue_ask("SELECT jobs_enqueue('tune', '%s')", TUNE_BODY);

    die(id, codes[_i][0]);
    queue_expect(codes[_i][1], "SELECT status FROM backtest_tunes");
    queue_expect("1", "SELECT dead_retry(ARRAY['%s']::uuid[], NULL, NULL, NULL)", id);
    queue_expect("queued||", "SELECT status, error_code, finished_at FROM backtest_tunes");
    queue_expect("ready|5|0", "SELECT state, attempt, failures FROM jobs");
    queue_expect("0", "SELECT count(*) FROM dead_jobs");
}
END_TEST

/* Its error says so, whatever the contract calls its status; and one event tells of it. */
START_TEST(a_tune_whose_job_is_rejected_has_failed_by_what_it_asked_for)
{
    const char *id = queue_ask("SELECT jobs_enqueue('tune', '%s')", TUNE_BODY);

    queue_expect("",
                 "WITH gone AS (DELETE FROM jobs WHERE id = '%s' RETURNING *)"
                 " INSERT INTO job_runs (id, workspace_id, queue, outcome, attempt, failures,"
                 " created_at, code, detail) SELECT id, workspace_id, queue, 'rejected', 1, 0,"
                 " created_at, 'DATA_PARSE_FAILED', 'line 7' FROM gone",
                 id);
    queue_expect(
        "failed|DATA_PARSE_FAILED|line 7|t",
        "SELECT status, error_code, error_detail, tune_response(t, 0) #>> "
        "'{error,rejected}' = 'true' FROM backtest_tunes t WHERE finished_at IS NOT NULL");
    queue_expect("1|true",
                 "SELECT count(*), max(payload #>> '{error,rejected}') FROM event_outbox"
                 " WHERE topic = 'backtest.tune.failed'");
    queue_expect("0", "SELECT dead_retry(ARRAY['%s']::uuid[], NULL, NULL, NULL)", id);
}
END_TEST

START_TEST(a_join_that_is_tried_again_is_a_join)
{
    const char *id = queue_ask("SELECT jobs_enqueue('mail', 'a')");

    queue_expect("", "UPDATE jobs SET is_join = true");
    die(id, "JOB_FAILED");
    queue_expect("1", "SELECT dead_retry(NULL, NULL, NULL, NULL)");
    queue_expect("t|t", "SELECT is_join, rank = job_rank(run_at, priority) FROM jobs");
}
END_TEST

static const struct {
    const char *filter, *left;
} filters[] = {
    {"NULL, NULL, NULL, NULL", ""},
    {"NULL, 'mail', NULL, NULL", "3"},
    {"NULL, NULL, 'EXPIRED', NULL", "1,3"},
    {"NULL, NULL, NULL, now() - interval '1 hour'", "1,2"},
    {"NULL, 'mail', 'EXPIRED', NULL", "1,3"},
    {"NULL, 'post', 'EXPIRED', NULL", "1,2,3"},
    {"ARRAY['0197f000-0000-7000-8000-000000000001']::uuid[], NULL, NULL, NULL", "2,3"},
    {"ARRAY[]::uuid[], NULL, NULL, NULL", "1,2,3"},
};

START_TEST(dead_jobs_are_chosen_by_what_is_given)
{
    static const char *const functions[] = {"dead_retry", "dead_drop"};

    for (int i = 0; i < 2; i++) {
        queue_expect("", "DELETE FROM jobs; DELETE FROM dead_jobs");
        queue_bury(1, "mail", "JOB_FAILED", "1 min");
        queue_bury(2, "mail", "EXPIRED", "2 min");
        queue_bury(3, "post", "JOB_FAILED", "2 hours");
        queue_ask("SELECT %s(%s)", functions[i], filters[_i].filter);
        queue_expect(filters[_i].left,
                     "SELECT string_agg(ltrim(split_part(id::text, '-', 5), '0'), ',' ORDER BY"
                     " id) FROM dead_jobs");
        queue_expect(i ? "0" : "t",
                     i ? "SELECT count(*) FROM jobs"
                       : "SELECT count(*) = 3 - (SELECT count(*) FROM dead_jobs) FROM jobs");
    }
}
END_TEST

START_TEST(a_queue_s_rules_are_kept_apart)
{
    queue_expect("", "SELECT queue_pause('mail')");
    queue_expect("", "SELECT queue_limit('mail', 10, 2)");
    queue_expect("t|10|2", "SELECT paused_at IS NOT NULL, max_depth, workspace_limit"
                           " FROM queues");
    queue_expect("", "SELECT queue_resume('mail')");
    queue_expect("|10|2", "SELECT paused_at, max_depth, workspace_limit FROM queues");
    ck_assert_ptr_nonnull(strstr(queue_ask("SELECT queue_limit('mail', 0, 2)"), "ERROR"));
    ck_assert_ptr_nonnull(strstr(queue_ask("SELECT queue_limit('mail', 1, 0)"), "ERROR"));
    ck_assert_ptr_nonnull(strstr(queue_ask("SELECT queue_pause('No Name')"), "ERROR"));
}
END_TEST

static TCase *
enqueue_case(void)
{
    TCase *tcase = case_new("enqueue", NULL, NULL);

    suite_tests(tcase, a_job_is_ready_at_once_or_when_its_time_comes,
                the_same_request_with_its_key_is_the_same_job,
                a_key_is_its_scope_s_and_its_workspace_s, a_key_whose_job_was_dropped_is_new);
    tcase_add_loop_test(tcase, a_key_with_another_request_is_refused, 0, 2);
    suite_tests(tcase, a_key_that_has_expired_is_new,
                a_key_that_goes_while_it_is_looked_at_is_new,
                twenty_sessions_with_one_key_make_one_job,
                who_waits_for_a_key_that_is_rolled_back_has_the_job, a_rollback_leaves_nothing);
    suite_rows(tcase, a_wrong_argument_is_refused_with_its_name, wrong);
    suite_tests(tcase, listeners_are_told_of_what_is_committed_and_only_then);
    return tcase;
}

static TCase *
dead_case(void)
{
    TCase *tcase = case_new("dead", NULL, NULL);

    tcase_add_loop_test(tcase, a_tune_that_is_tried_again_is_queued, 0, 2);
    suite_tests(tcase, a_tune_whose_job_is_rejected_has_failed_by_what_it_asked_for,
                a_join_that_is_tried_again_is_a_join);
    suite_rows(tcase, dead_jobs_are_chosen_by_what_is_given, filters);
    suite_tests(tcase, a_queue_s_rules_are_kept_apart);
    return tcase;
}

static void
add_case(Suite *suite, TCase *tcase)
{
    tcase_add_checked_fixture(tcase, queue_setup, queue_teardown);
    suite_add_tcase(suite, tcase);
}

int
main(void)
{
    Suite *suite = suite_create("queue_sql");

    log_init("test", LOG_AT_ERROR);
    add_case(suite, enqueue_case());
    add_case(suite, queue_cancel_case());
    add_case(suite, dead_case());
    return pg_suite_run(suite, &queue_fixture);
}
