/* `tunemill retention` as it runs: what was missed is made up for, one of many works, and
 * whatever is killed is gone on with. */
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/log.h"
#include "tests/support/command.h"
#include "tests/unit/retention/retention_help.h"
#include "tests/support/pg_suite.h"

struct process {
    pid_t pid;
    int out;
};

static struct process processes[2];

static void
start(struct process *self, const char *setting)
{
    const char *argv[] = {TUNEMILL, "retention", "--ready-fd",
                          "1",      "--set",     "retention.check_seconds=0.05",
                          "--set",  setting,     NULL};
    char line[16] = "";

    ck_assert_int_eq(setenv("DATABASE_URL", queue_url, 1), 0);
    self->pid = command_start(argv, "/dev/null", &self->out);
    ck_assert_int_gt(self->pid, 0);
    ck_assert_int_gt(read(self->out, line, sizeof(line) - 1), 0);
    ck_assert_str_eq(line, "ready\n");
}

/* Its exit status, or the signal that ended it, negative. */
static int
stop(struct process *self, int signal_number)
{
    int status;

    ck_assert_int_eq(kill(self->pid, signal_number), 0);
    ck_assert_int_eq(waitpid(self->pid, &status, 0), self->pid);
    close(self->out);
    self->pid = 0;
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void
teardown(void)
{
    for (size_t i = 0; i < 2; i++)
        if (processes[i].pid > 0)
            stop(&processes[i], SIGKILL);
    queue_teardown();
}

/* Not of a process that the test before has killed, whose session may not know it yet. */
#define HERE "datname = current_database()"
#define LEADERS                                                                     \
    "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)"           \
    " WHERE l.locktype = 'advisory' AND l.classid = 54 AND l.objid = 0 AND granted" \
    "   AND application_name = 'tunemill-retention' AND " HERE
#define ENDED "SELECT count(*) FROM retention_job_log WHERE finished_at IS NOT NULL"

static void
make_slow(bool is_slow)
{
    queue_expect("",
                 "CREATE OR REPLACE FUNCTION hinder() RETURNS trigger LANGUAGE plpgsql AS $$"
                 " BEGIN %s; RETURN OLD; END $$;"
                 "CREATE OR REPLACE TRIGGER hinders BEFORE DELETE ON job_runs"
                 " FOR EACH ROW EXECUTE FUNCTION hinder()",
                 is_slow ? "PERFORM pg_sleep(0.02)" : "NULL");
    queue_expect("", "UPDATE retention_policies SET batch_size = 100");
}

START_TEST(what_was_missed_is_made_up_for_once)
{
    retention_make_due();
    retention_job_runs(3, "40 days");
    retention_events(2, "RUN_STARTED", "false", "100 days");
    start(&processes[0], "retention.enabled=true");
    retention_await("8", ENDED);
    queue_expect("8|8|5|8", "SELECT count(DISTINCT job_name), count(*) FILTER (WHERE ok),"
                            " sum(deleted_count), count(*) FILTER (WHERE who = 'actor')"
                            " FROM retention_job_log");
    ck_assert_int_eq(stop(&processes[0], SIGTERM), 0);
    queue_expect("8", ENDED);
}
END_TEST

START_TEST(before_their_time_no_job_runs_and_at_it_it_does)
{
    start(&processes[0], "retention.enabled=true");
    retention_await("1", LEADERS);
    queue_expect("0", "SELECT count(*) FROM retention_job_log");
    queue_expect("", "UPDATE retention_policies SET created_at = now() - interval '2 s',"
                     " daily_at = (now() AT TIME ZONE 'UTC' + interval '1 s')::time"
                     " WHERE job_name = 'match-runs'");
    retention_await("1", ENDED);
    queue_expect("match-runs|t",
                 "SELECT l.job_name, (l.started_at AT TIME ZONE 'UTC')::time >= p.daily_at"
                 " FROM retention_job_log l JOIN retention_policies p USING (job_name)");
}
END_TEST

START_TEST(one_that_is_switched_off_runs_nothing)
{
    retention_make_due();
    start(&processes[0], "retention.enabled=false");
    start(&processes[1], "retention.enabled=true");
    retention_await("8", ENDED);
    queue_expect("1", LEADERS);
    stop(&processes[1], SIGKILL);
    retention_await("0", LEADERS);
    queue_expect("", "DELETE FROM retention_job_log");
    ck_assert_int_eq(stop(&processes[0], SIGTERM), 0); /* it has looked, and more than once */
    queue_expect("0", "SELECT count(*) FROM retention_job_log");
}
END_TEST

START_TEST(of_two_one_works_and_the_other_takes_over)
{
    const char *leader = "SELECT l.pid FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
                         " WHERE l.locktype = 'advisory' AND l.classid = 54 AND l.objid = 0"
                         "   AND " HERE;
    const char *first;

    start(&processes[0], "retention.enabled=true");
    retention_await("1", LEADERS);
    first = queue_ask("%s", leader);
    start(&processes[1], "retention.enabled=true");
    retention_make_due();
    retention_await("8", ENDED);
    queue_expect(first, "%s", leader);
    ck_assert_int_eq(stop(&processes[0], SIGKILL), -SIGKILL);
    queue_expect("", "DELETE FROM retention_job_log");
    retention_await("8", ENDED);
    ck_assert_str_ne(queue_ask("%s", leader), first);
    queue_expect("8|8", "SELECT count(*), count(DISTINCT job_name) FROM retention_job_log");
}
END_TEST

/* What a signal leaves, the next process goes on with. */
START_TEST(a_process_that_ends_in_mid_batch_is_gone_on_with)
{
    static const int signals[] = {SIGKILL, SIGTERM};

    queue_expect("", "UPDATE retention_policies SET enabled = job_name = 'job-runs'");
    retention_make_due();
    retention_job_runs(400, "40 days");
    make_slow(true);
    start(&processes[0], "retention.enabled=true");
    retention_await("100", "SELECT max(deleted_count) FROM retention_job_log");
    ck_assert_int_eq(stop(&processes[0], signals[_i]), _i ? 0 : -SIGKILL);
    retention_await("0", LEADERS); /* the server has noticed */
    queue_expect("t", "SELECT count(*) BETWEEN 100 AND 300 FROM job_runs");
    make_slow(false);
    start(&processes[0], "retention.enabled=true");
    retention_await("2", ENDED);
    queue_expect("f|t\nt|f", "SELECT ok, error LIKE 'it was cut off%%' IS TRUE"
                             " FROM retention_job_log ORDER BY started_at");
    queue_expect("0|400", "SELECT (SELECT count(*) FROM job_runs), sum(deleted_count)"
                          " FROM retention_job_log");
}
END_TEST

START_TEST(a_database_that_comes_back_finds_its_jobs_run)
{
    start(&processes[0], "database.max_backoff_ms=50");
    retention_await("1", LEADERS);
    pg_fixture_kill(queue_fixture);
    pg_fixture_start(queue_fixture);
    retention_make_due();
    retention_await("8", ENDED);
    queue_expect("8", "SELECT count(*) FROM retention_job_log WHERE ok");
}
END_TEST

START_TEST(a_table_that_fails_holds_up_no_other_and_is_tried_again)
{
    PGconn *holder = queue_session();

    retention_job_runs(3, "40 days");
    queue_run(holder, "BEGIN");
    queue_run(holder, "LOCK TABLE job_runs IN SHARE MODE");
    retention_make_due();
    start(&processes[0], "retention.retry_seconds=1");
    retention_await("7", "SELECT count(*) FROM retention_job_log WHERE ok");
    retention_await("t", "SELECT count(*) >= 2 FROM retention_job_log WHERE NOT ok"
                         " AND job_name = 'job-runs'");
    queue_run(holder, "COMMIT");
    PQfinish(holder);
    retention_await("8", "SELECT count(*) FROM retention_job_log WHERE ok");
    queue_expect("0", "SELECT count(*) FROM job_runs");
    queue_expect("0", "SELECT retention_failures('job-runs')");
}
END_TEST

START_TEST(a_job_that_cannot_even_be_logged_holds_up_no_other)
{
    retention_make_due();
    queue_expect("", "ALTER TABLE retention_job_log ADD CONSTRAINT no CHECK (job_name <>"
                     " 'trade-events')");
    start(&processes[0], "retention.enabled=true");
    retention_await("7", ENDED);
    retention_await("f", "SELECT retention_is_running('trade-events')");
    queue_expect("", "ALTER TABLE retention_job_log DROP CONSTRAINT no");
    retention_await("8", ENDED);
    retention_await("f", "SELECT retention_is_running('trade-events')");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("retention process");
    TCase *tcase = suite_case(suite, "process", queue_setup, teardown);

    log_init("test", LOG_AT_ERROR);
    suite_tests(tcase, what_was_missed_is_made_up_for_once,
                before_their_time_no_job_runs_and_at_it_it_does,
                one_that_is_switched_off_runs_nothing,
                of_two_one_works_and_the_other_takes_over);
    tcase_add_loop_test(tcase, a_process_that_ends_in_mid_batch_is_gone_on_with, 0, 2);
    suite_tests(tcase, a_database_that_comes_back_finds_its_jobs_run,
                a_table_that_fails_holds_up_no_other_and_is_tried_again,
                a_job_that_cannot_even_be_logged_holds_up_no_other);
    return pg_suite_run(suite, &queue_fixture);
}
