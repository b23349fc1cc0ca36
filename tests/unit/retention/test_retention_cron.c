/* With a real pg_cron: the schedule it is given, a job that it runs, and the process that
 * stands by. Skipped where the extension (postgresql-15-cron) is not installed. */
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/log.h"
#include "migrations/migrate.h"
#include "tests/support/command.h"
#include "tests/unit/retention/retention_help.h"
#include "tests/support/suite.h"

/* pg_cron looks once a minute, at its beginning */
#define DATABASE "retention_cron" /* as in the settings */

static const char *const settings[] = {
    "shared_preload_libraries=pg_cron", "cron.database_name=retention_cron",
    "cron.use_background_workers=on", "max_worker_processes=20", NULL};

static void
setup(void)
{
    char detail[1000] = "";
    int applied;

    queue_url = pg_fixture_named(queue_fixture, DATABASE);
    pg_fixture_stop(queue_fixture,
                    SIGINT); /* pg_cron does not come back when its database goes */
    pg_fixture_start(queue_fixture);
    ck_assert_msg(migrate_run(queue_url, detail, sizeof(detail), &applied) == TM_OK, "%s",
                  detail);
}

START_TEST(the_migration_gives_pg_cron_its_schedule_and_may_do_so_again)
{
    const char *all = "15 3 * * *|CALL retention_run('trade-events')\n"
                      "20 3 * * *|CALL retention_run('job-runs')\n"
                      "25 3 * * *|CALL retention_run('match-runs')\n"
                      "30 3 * * *|CALL retention_run('idempotency-keys')\n"
                      "35 3 * * *|CALL retention_run('datasets')\n"
                      "40 3 * * *|CALL retention_run('dataset-pieces')\n"
                      "45 3 * * *|CALL retention_run('explanations')\n"
                      "55 3 * * *|CALL retention_run('retention-log')\n"
                      "0 4 * * *|CALL retention_run('cron-runs')";

    queue_expect(all, "SELECT schedule, command FROM cron.job ORDER BY jobid");
    queue_expect("t", "SELECT retention_schedule()");
    queue_expect(all, "SELECT schedule, command FROM cron.job ORDER BY jobid");
    queue_expect("",
                 "UPDATE retention_policies SET daily_at = '5:07' WHERE job_name = 'job-runs'");
    queue_expect("",
                 "UPDATE retention_policies SET enabled = false WHERE job_name = 'datasets'");
    queue_expect("t", "SELECT retention_schedule()");
    queue_expect("7 5 * * *|0",
                 "SELECT max(schedule) FILTER (WHERE jobname = 'tunemill job-runs'),"
                 " count(*) FILTER (WHERE jobname = 'tunemill datasets') FROM cron.job");
    queue_expect("pg_cron|true", "SELECT s #>> '{scheduled_jobs,0,scheduled_by}',"
                                 " s ->> 'pg_cron_available' FROM retention_status() s");
}
END_TEST

/* The command as it stands in cron.job, by an extra job of every minute. Trap 5, too: with a
 * second statement behind it the same command fails. */
START_TEST(pg_cron_runs_a_job_batch_by_batch)
{
    retention_job_runs(250, "40 days");
    queue_ask("SELECT cron.schedule('now', '* * * * *', command) FROM cron.job"
              " WHERE jobname = 'tunemill job-runs'");
    queue_ask("SELECT cron.schedule('two', '* * * * *', command || '; SELECT 1') FROM cron.job"
              " WHERE jobname = 'tunemill trade-events'");
    retention_await("1",
                    "SELECT count(*) FROM cron.job_run_details d JOIN cron.job j USING (jobid)"
                    " WHERE j.jobname = 'now' AND d.status = 'succeeded'");
    queue_expect("job-runs|250|t|cron|f",
                 "SELECT job_name, deleted_count, ok, who, dry_run FROM retention_job_log"
                 " WHERE job_name = 'job-runs' ORDER BY started_at LIMIT 1");
    queue_expect("0|f", "SELECT count(*), retention_is_running('job-runs') FROM job_runs");
    retention_await("1",
                    "SELECT count(*) FROM cron.job_run_details d JOIN cron.job j USING (jobid)"
                    " WHERE j.jobname = 'two' AND d.status = 'failed'"
                    "   AND d.return_message LIKE '%invalid transaction termination%'");
}
END_TEST

START_TEST(what_pg_cron_writes_of_its_runs_is_pruned_by_its_user)
{
    queue_expect(
        "", "INSERT INTO cron.job_run_details (jobid, runid, username, end_time)"
            " SELECT 1, 1000 + n, current_user, now() - n * interval '1 day' + interval '1 h'"
            "   FROM generate_series(1, 20) n");
    retention_expect_run("cron-runs", 6);
    queue_expect("14", "SELECT count(*) FROM cron.job_run_details WHERE runid > 1000");
}
END_TEST

static pid_t process;
static int process_out;

static void
start_process(const char *setting)
{
    const char *argv[] = {TUNEMILL, "retention", "--ready-fd",
                          "1",      "--set",     "retention.check_seconds=0.05",
                          "--set",  setting,     NULL};
    char line[16] = "";

    ck_assert_int_eq(setenv("DATABASE_URL", queue_url, 1), 0);
    process = command_start(argv, "/dev/null", &process_out);
    ck_assert_int_gt(process, 0);
    ck_assert_int_gt(read(process_out, line, sizeof(line) - 1), 0);
    ck_assert_str_eq(line, "ready\n");
}

static void
stop_process(void)
{
    int status;

    ck_assert_int_eq(kill(process, SIGTERM), 0);
    ck_assert_int_eq(waitpid(process, &status, 0), process);
    ck_assert_int_eq(status, 0);
    close(process_out);
}

/* Times are half a day ago, whatever the hour: late for one patience, not for the other. */
START_TEST(the_process_stands_by_and_runs_only_what_is_long_overdue)
{
    retention_make_due();
    queue_expect("", "UPDATE retention_policies"
                     "   SET daily_at = (now() AT TIME ZONE 'UTC' - interval '12 hours')::time,"
                     "       enabled = job_name = 'match-runs'");
    start_process("retention.overdue_minutes=780"); /* 13 h: that of yesterday is missing */
    retention_await("1", "SELECT count(*) FROM retention_job_log WHERE ok");
    stop_process();
    start_process("retention.overdue_minutes=780");
    retention_await("1",
                    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 54"
                    " AND objid = 0 AND granted");
    stop_process();
    queue_expect("1|actor", "SELECT count(*), max(who) FROM retention_job_log");
    queue_expect("", "UPDATE retention_job_log SET started_at = now() - interval '13 hours'");
    start_process("retention.overdue_minutes=660"); /* 11 h: today's is missing */
    retention_await("2", "SELECT count(*) FROM retention_job_log WHERE ok");
    stop_process();
}
END_TEST

static bool
has_pg_cron(void)
{
    glob_t found;
    bool is_there =
        glob("/usr/share/postgresql/*/extension/pg_cron.control", 0, NULL, &found) == 0;

    globfree(&found);
    return is_there;
}

int
main(void)
{
    Suite *suite = suite_create("retention with pg_cron");
    TCase *tcase = suite_case(suite, "cron", setup, queue_teardown);
    int status;

    log_init("test", LOG_AT_ERROR);
    if (!has_pg_cron()) {
        printf("SKIPPED: pg_cron (postgresql-15-cron) is not installed\n");
        return PG_FIXTURE_SKIP;
    }
    queue_fixture = pg_fixture_new_with(settings);
    if (!queue_fixture)
        return PG_FIXTURE_SKIP;
    suite_tests(tcase, the_migration_gives_pg_cron_its_schedule_and_may_do_so_again,
                pg_cron_runs_a_job_batch_by_batch,
                what_pg_cron_writes_of_its_runs_is_pruned_by_its_user,
                the_process_stands_by_and_runs_only_what_is_long_overdue);
    status = suite_run(suite);
    pg_fixture_destroy(&queue_fixture);
    return status;
}
