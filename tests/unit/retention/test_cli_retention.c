/* `tunemill retention status` and `prune` as people meet them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/runtime/log.h"
#include "tests/unit/ops/cli_help.h"
#include "tests/unit/retention/retention_help.h"
#include "tests/support/pg_suite.h"

START_TEST(prune_counts_unless_it_is_told_to_delete)
{
    retention_job_runs(3, "40 days");
    cli_says(cli_run("retention", "prune", "job-runs", NULL),
             "job-runs: 3 rows would be deleted. Nothing was: this was a dry run, --run "
             "deletes.\n");
    cli_says(
        cli_run("retention", "prune", "job-runs", "--dry-run", "--cutoff-days", "50", NULL),
        "job-runs: 0 rows would be deleted. Nothing was: this was a dry run, --run "
        "deletes.\n");
    queue_expect("3", "SELECT count(*) FROM job_runs");
    ck_assert_str_eq(
        json_string_value(cli_at(cli_json(cli_run("retention", "prune", "job-runs", "--run",
                                                  "--batch-size", "100", "--json", NULL)),
                                 "job_name")),
        "job-runs");
    queue_expect("0|100|cli", "SELECT (SELECT count(*) FROM job_runs), batch_size, who"
                              " FROM retention_job_log WHERE NOT dry_run");
    retention_job_runs(2, "40 days");
    ck_assert(strncmp(cli_run("retention", "prune", "job-runs", "--run", NULL)->out,
                      "job-runs: 2 rows deleted in ", 28) == 0);
}
END_TEST

START_TEST(prune_refuses_what_is_no_job_or_out_of_range)
{
    cli_refuses(cli_run("retention", "prune", NULL), 2, "JOB");
    cli_refuses(cli_run("retention", "prune", "job-runs", "--run", "--dry-run", NULL), 2,
                "exclude each other");
    cli_refuses(cli_run("retention", "prune", "job-runs", "--cutoff-days", "0", NULL), 2,
                "--cutoff-days");
    cli_refuses(cli_run("retention", "prune", "job-runs", "--batch-size", "99", NULL), 2,
                "--batch-size");
    cli_refuses(cli_run("retention", "prune", "nothing", NULL), 1,
                "there is no such retention job; there are trade-events");
    cli_refuses(cli_run("retention", "prune", "job-runs", "--cutoff-days", "366", NULL), 1,
                "from 1 to 365 days");
    queue_expect("0", "SELECT count(*) FROM retention_job_log");
}
END_TEST

START_TEST(prune_says_why_it_failed)
{
    PGconn *holder = queue_session();
    const struct command *command;

    retention_job_runs(1, "40 days");
    queue_run(holder, "BEGIN");
    queue_run(holder, "LOCK TABLE job_runs IN SHARE MODE");
    command = cli_run("retention", "prune", "job-runs", "--run", NULL);
    PQfinish(holder);
    ck_assert_int_eq(command->code, 1);
    ck_assert_msg(strstr(command->err, "the table was locked by somebody else"), "%s",
                  command->err);
}
END_TEST

START_TEST(status_shows_every_job_and_its_last_run)
{
    const struct command *command;
    const char *out;

    retention_job_runs(3, "40 days");
    retention_expect_run("job-runs", 3);
    queue_expect("", "INSERT INTO retention_job_log (job_name, started_at, finished_at,"
                     "    dry_run, ok, error, who) VALUES ('match-runs', '2024-01-01Z',"
                     "    '2024-01-01Z', false, false, 'it rained', 'cron')");
    command = cli_run("retention", "status", NULL);
    ck_assert_int_eq(command->code, 0);
    out = command->out;
    ck_assert_str_eq(cli_cell(out, 0, 0), "job");
    ck_assert_str_eq(cli_cell(out, 1, 0), "trade-events");
    ck_assert_str_eq(cli_cell(out, 1, 1), "90");
    ck_assert_str_eq(cli_cell(out, 1, 8), "-");
    ck_assert_str_eq(cli_cell(out, 2, 0), "job-runs");
    ck_assert_str_eq(cli_cell(out, 2, 4), "3");
    ck_assert_str_eq(cli_cell(out, 2, 8), "ok");
    ck_assert_str_eq(cli_cell(out, 3, 3), "2024-01-01T00:00:00.000Z");
    ck_assert_str_eq(cli_cell(out, 3, 6), "1");
    ck_assert_str_eq(cli_cell(out, 3, 8), "it rained");
    ck_assert_str_eq(cli_cell(out, 4, 1), "-");
    ck_assert(strstr(out, "is kept by the process `tunemill retention`."));
}
END_TEST

START_TEST(status_as_json_is_that_of_the_database)
{
    const json_t *status = cli_json(cli_run("retention", "status", "--json", NULL));

    ck_assert(json_is_false(cli_at(status, "pg_cron_available")));
    ck_assert_uint_eq(json_array_size(cli_at(status, "scheduled_jobs")), 9);
    ck_assert_str_eq(json_string_value(cli_at(status, "scheduled_jobs.1.job_name")),
                     "job-runs");
    ck_assert_uint_eq(json_object_size(cli_at(status, "last_runs")), 0);
}
END_TEST

START_TEST(without_a_database_each_says_so)
{
    cli_refuses(cli_run("retention", "status", NULL), 1, "cannot be reached");
    cli_refuses(cli_run("retention", "prune", "job-runs", NULL), 1, "cannot be reached");
    cli_refuses(cli_run("retention", "clean", NULL), 2, "clean");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("cli retention");
    TCase *tcase = suite_case(suite, "database", cli_setup, cli_teardown),
          *nowhere = suite_case(suite, "nowhere", cli_setup_nowhere, cli_teardown);

    log_init("test", LOG_AT_ERROR);
    suite_tests(tcase, prune_counts_unless_it_is_told_to_delete,
                prune_refuses_what_is_no_job_or_out_of_range, prune_says_why_it_failed,
                status_shows_every_job_and_its_last_run,
                status_as_json_is_that_of_the_database);
    suite_tests(nowhere, without_a_database_each_says_so);
    return pg_suite_run(suite, &queue_fixture);
}
