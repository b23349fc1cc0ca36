/* tunemill dead retry and dead drop: some dead jobs, or many. */
#include <stdio.h>

#include "actors/kit/util/auto.h"
#include "ops/cli/database.h"
#include "ops/cli/dead.h"
#include "ops/cli/time_arg.h"
#include "ops/cli/queue_args.h"

struct many {
    const char *data_dir, *queue, *code, *before;
    bool all, dry_run;
};

static const struct cli_option options[] = {
    {"queue", "QUEUE", CLI_TEXT, offsetof(struct many, queue), "those of this queue"},
    {"code", "CODE", CLI_TEXT, offsetof(struct many, code),
     "those that died of this, such as JOB_FAILED"},
    {"before", "TIME|AGE", CLI_TEXT, offsetof(struct many, before),
     "those that died before: 2026-03-01, 2026-03-01T12:30Z, 36h, 7d"},
    {"all", NULL, CLI_FLAG, offsetof(struct many, all), "every dead job"},
    {"dry-run", NULL, CLI_FLAG, offsetof(struct many, dry_run), "only count them"},
    {"data-dir", "DIR", CLI_TEXT, offsetof(struct many, data_dir),
     "of the running `tunemill up`; default system.data_dir"},
};

static const struct cli_usage usage = {
    .arguments = "[ID...]",
    .max_arguments = JOB_ARGS_MAX,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .notes =
        "Either ids, or a filter, or --all; several filters choose what fits them all. What\n"
        "is retried has its attempts before it again. Nothing is asked: --dry-run first.\n",
};

struct action {
    enum cli_statement statement;
    const char *did, *would;
};

/* Exactly one way to say which. */
static int
check(const cli_t *cli, const struct many *self)
{
    bool has_filter = self->queue || self->code || self->before;
    int ways = (cli->argument_count > 0) + has_filter + self->all;

    if (ways == 0)
        return cli_misuse(cli, "which? ids, --queue, --code, --before or --all");
    if (ways > 1)
        return cli_misuse(cli, "ids, filters and --all exclude each other");
    return CLI_OK;
}

static int
report(const cli_t *cli, const json_t *answer, const char *did)
{
    const json_t *missing = json_object_get(answer, "missing"), *id;
    json_int_t count = json_integer_value(json_object_get(answer, "count"));
    size_t index;

    printf("%" JSON_INTEGER_FORMAT " dead job%s %s\n", count, count == 1 ? "" : "s", did);
    json_array_foreach(missing, index, id)
        cli_fail(cli, "%s is not the id of a dead job", json_string_value(id));
    return json_array_size(missing) ? CLI_FAILED : CLI_OK;
}

static int
run(cli_t *cli, int argc, char **argv, const struct action *action)
{
    struct many self = {.data_dir = NULL};
    int code = cli_parse(cli, &usage, &self, argc, argv);
    tm_auto(tm_text) ids = NULL;
    tm_auto(json) answer = NULL;
    struct time_arg before;

    if (code >= 0)
        return code;
    code = check(cli, &self);
    if (code != CLI_OK)
        return code;
    if ((self.queue && !queue_arg_check(cli, "--queue", self.queue)) ||
        !time_arg_parse(cli, "--before", self.before, &before) ||
        (cli->argument_count > 0 && !(ids = job_args_find(cli, self.data_dir))))
        return CLI_USAGE;
    answer =
        database_ask(cli, self.data_dir, self.dry_run ? DATABASE_READ : DATABASE_WRITE,
                     self.dry_run ? CLI_DEAD_COUNT : action->statement,
                     (const char *[]){ids, self.queue, self.code, before.time, before.age_s});
    return answer ? report(cli, answer, self.dry_run ? action->would : action->did)
                  : CLI_FAILED;
}

int
dead_retry(cli_t *cli, int argc, char **argv)
{
    static const struct action retry = {CLI_DEAD_RETRY, "made ready again",
                                        "would be made ready again"};

    return run(cli, argc, argv, &retry);
}

int
dead_drop(cli_t *cli, int argc, char **argv)
{
    static const struct action drop = {CLI_DEAD_DROP, "dropped", "would be dropped"};

    return run(cli, argc, argv, &drop);
}
