/* tunemill retention: the process that deletes what is old; `retention status` shows how it
 * stands, `retention prune` runs one of its jobs here and now. */
#include <stdio.h>
#include <string.h>

#include "actors/kit/util/auto.h"
#include "ops/cli/database.h"
#include "ops/cli/print_tune.h"
#include "ops/cli/table.h"

/* --- status ------------------------------------------------------------------------------- */

struct status {
    const char *data_dir;
    bool json;
};

static const struct cli_option status_options[] = {
    {"data-dir", "DIR", CLI_TEXT, offsetof(struct status, data_dir),
     "of the running `tunemill up`; default system.data_dir"},
    {"json", NULL, CLI_FLAG, offsetof(struct status, json), "print JSON"},
};

static const struct cli_usage status_usage = {
    .arguments = "",
    .options = status_options,
    .option_count = sizeof status_options / sizeof *status_options,
    .notes = "keeps: days, as the table retention_policies says; - : rows say it themselves.\n"
             "rows: an estimate of the database. failed: runs since the last that was well.\n",
};

static const struct table_column columns[] = {
    {"job", "job_name", TABLE_TEXT},
    {"keeps", "cutoff_days", TABLE_NUMBER},
    {"rows", "rows", TABLE_NUMBER},
    {"last run", "started_at", TABLE_TEXT},
    {"deleted", "deleted_count", TABLE_NUMBER},
    {"ms", "duration_ms", TABLE_NUMBER},
    {"failed", "consecutive_failures", TABLE_NUMBER},
    {"next run", "next_run_at", TABLE_TEXT},
    {"outcome", "outcome", TABLE_TEXT},
};

static const char *
outcome_of(const json_t *job, const json_t *run)
{
    const char *error = json_string_value(json_object_get(run, "error"));

    if (json_is_true(json_object_get(job, "running")))
        return "runs now";
    if (!run)
        return NULL;
    if (error)
        return error;
    return json_is_null(json_object_get(run, "finished_at")) ? "cut off" : "ok";
}

/* What is known of a job, in one object. */
static json_t *
row_of(const json_t *status, const json_t *job)
{
    static const char *const of_run[] = {"started_at", "deleted_count", "duration_ms"};
    const char *name = json_string_value(json_object_get(job, "job_name"));
    const char *table = json_string_value(json_object_get(job, "table"));
    const json_t *run = json_object_get(json_object_get(status, "last_runs"), name);
    const json_t *estimate = json_object_get(json_object_get(status, "table_estimates"), table);
    json_t *row = json_deep_copy(job);
    const char *outcome = outcome_of(job, run);
    double days = json_number_value(json_object_get(job, "cutoff_days"));

    for (size_t i = 0; i < sizeof of_run / sizeof *of_run; i++)
        json_object_set(row, of_run[i], json_object_get(run, of_run[i]));
    json_object_set(row, "rows", json_object_get(estimate, "rows"));
    json_object_set_new(row, "cutoff_days",
                        days > 0 ? json_integer((json_int_t)days) : json_null());
    json_object_set_new(row, "outcome", outcome ? json_string(outcome) : json_null());
    return row;
}

static void
show_status(const json_t *status)
{
    bool has_cron = json_is_true(json_object_get(status, "pg_cron_available"));
    tm_auto(json) rows = json_array();
    size_t index;
    const json_t *job;

    json_array_foreach(json_object_get(status, "scheduled_jobs"), index, job)
        json_array_append_new(rows, row_of(status, job));
    table_show(stdout, columns, sizeof columns / sizeof *columns, rows);
    printf("\nThe schedule (UTC) is kept by %s.\n",
           has_cron ? "pg_cron" : "the process `tunemill retention`");
}

static int
run_status(cli_t *cli, int argc, char **argv)
{
    struct status self = {NULL, false};
    int code = cli_parse(cli, &status_usage, &self, argc, argv);
    tm_auto(json) status = NULL;

    if (code >= 0)
        return code;
    status = database_ask(cli, self.data_dir, DATABASE_READ, CLI_RETENTION_STATUS, NULL);
    if (!status)
        return CLI_FAILED;
    if (self.json)
        print_json(stdout, status);
    else
        show_status(status);
    return CLI_OK;
}

/* --- prune -------------------------------------------------------------------------------- */

struct prune {
    const char *data_dir, *cutoff_days, *batch_size;
    bool run, dry_run, json;
};

static const struct cli_option prune_options[] = {
    {"cutoff-days", "N", CLI_WHOLE(1, 730), offsetof(struct prune, cutoff_days),
     "delete what is older; default as retention_policies says"},
    {"batch-size", "N", CLI_WHOLE(100, 100000), offsetof(struct prune, batch_size),
     "rows deleted at a time, 100 to 100000"},
    {"run", NULL, CLI_FLAG, offsetof(struct prune, run), "delete"},
    {"dry-run", NULL, CLI_FLAG, offsetof(struct prune, dry_run),
     "only count what would be deleted; the default"},
    {"data-dir", "DIR", CLI_TEXT, offsetof(struct prune, data_dir),
     "of the running `tunemill up`; default system.data_dir"},
    {"json", NULL, CLI_FLAG, offsetof(struct prune, json), "print JSON"},
};

static const struct cli_usage prune_usage = {
    .arguments = "JOB",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = prune_options,
    .option_count = sizeof prune_options / sizeof *prune_options,
    .notes =
        "JOB is trade-events, job-runs, match-runs, idempotency-keys, or another that\n"
        "`tunemill retention status` shows. Without --run nothing is deleted. Each batch\n"
        "is a transaction of its own: what is deleted when it is stopped, stays deleted.\n",
};

static int
show_run(const cli_t *cli, const json_t *run)
{
    const char *job = json_string_value(json_object_get(run, "job_name"));
    const char *error = json_string_value(json_object_get(run, "error"));
    long long deleted = json_integer_value(json_object_get(run, "deleted_count"));
    bool is_dry = json_is_true(json_object_get(run, "dry_run"));

    if (is_dry)
        printf("%s: %lld rows would be deleted. Nothing was: this was a dry run, --run "
               "deletes.\n",
               job, deleted);
    else
        printf("%s: %lld rows deleted in %lld ms.\n", job, deleted,
               (long long)json_integer_value(json_object_get(run, "duration_ms")));
    return error ? cli_fail(cli, "%s", error) : CLI_OK;
}

static int
prune(cli_t *cli, const struct prune *self)
{
    const char *parameters[] = {cli->arguments[0], self->cutoff_days, self->batch_size,
                                self->run ? "false" : "true"};
    tm_auto(json) run =
        database_ask(cli, self->data_dir, DATABASE_WRITE, CLI_RETENTION_PRUNE, parameters);

    if (!run)
        return CLI_FAILED;
    if (!self->json)
        return show_run(cli, run);
    print_json(stdout, run);
    return json_is_true(json_object_get(run, "ok")) ? CLI_OK : CLI_FAILED;
}

static int
run_prune(cli_t *cli, int argc, char **argv)
{
    struct prune self = {.run = false};
    int code = cli_parse(cli, &prune_usage, &self, argc, argv);

    if (code >= 0)
        return code;
    if (self.run && self.dry_run)
        return cli_misuse(cli, "--run and --dry-run exclude each other");
    return prune(cli, &self);
}

int
cmd_retention(cli_t *cli, int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"retention", run_service, "the process that deletes what is old"},
        {"retention status", run_status, "show what is kept, and the last runs"},
        {"retention prune", run_prune, "run one job now, or say what it would delete"},
    };

    return cli_dispatch(cli, commands, sizeof commands / sizeof *commands, argc, argv);
}
