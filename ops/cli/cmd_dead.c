/* tunemill dead: the jobs that were given up. */
#include <stdio.h>

#include "actors/kit/util/auto.h"
#include "ops/cli/database.h"
#include "ops/cli/dead.h"
#include "ops/cli/time_arg.h"
#include "ops/cli/queue_args.h"
#include "ops/cli/print_tune.h"
#include "ops/cli/table.h"

struct dead {
    const char *data_dir, *queue, *code, *before, *limit;
    bool json;
};

static const struct cli_option options[] = {
    {"queue", "QUEUE", CLI_TEXT, offsetof(struct dead, queue), "only those of this queue"},
    {"code", "CODE", CLI_TEXT, offsetof(struct dead, code),
     "only those that died of this, such as JOB_FAILED"},
    {"before", "TIME|AGE", CLI_TEXT, offsetof(struct dead, before),
     "only those that died before: 2026-03-01, 2026-03-01T12:30Z, 36h, 7d"},
    {"limit", "N", CLI_WHOLE(1, 100000), offsetof(struct dead, limit),
     "the newest N; default 20"},
    {"json", NULL, CLI_FLAG, offsetof(struct dead, json), "print JSON"},
    {"data-dir", "DIR", CLI_TEXT, offsetof(struct dead, data_dir),
     "of the running `tunemill up`; default system.data_dir"},
};

static const struct cli_usage usage = {
    .arguments = "",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .notes =
        "`tunemill dead show ID` tells all of one; `dead retry` and `dead drop` take ids or\n"
        "the same filters.\n",
};

static const struct table_column columns[] = {
    {"job", "job", TABLE_TEXT},       {"queue", "queue", TABLE_TEXT},
    {"code", "code", TABLE_TEXT},     {"attempts", "attempts", TABLE_NUMBER},
    {"died", "died_at", TABLE_TEXT},  {"worker", "worker", TABLE_TEXT},
    {"detail", "detail", TABLE_TEXT},
};

static int
list(cli_t *cli, const struct dead *self, const char *const *parameters)
{
    tm_auto(json) answer =
        database_ask(cli, self->data_dir, DATABASE_READ, CLI_DEAD, parameters);
    const json_t *jobs = json_object_get(answer, "jobs");

    if (!answer)
        return CLI_FAILED;
    if (self->json) {
        print_json(stdout, answer);
        return CLI_OK;
    }
    if (json_array_size(jobs) == 0) {
        printf("No job is dead%s.\n",
               self->queue || self->code || self->before ? " that fits the filter" : "");
        return CLI_OK;
    }
    table_show(stdout, columns, sizeof columns / sizeof *columns, jobs);
    if (json_is_true(json_object_get(answer, "more")))
        printf("There are more; --limit N shows the newest N.\n");
    return CLI_OK;
}

static int
run_list(cli_t *cli, int argc, char **argv)
{
    struct dead self = {.limit = "20"};
    int code = cli_parse(cli, &usage, &self, argc, argv);
    struct time_arg before;

    if (code >= 0)
        return code;
    if ((self.queue && !queue_arg_check(cli, "--queue", self.queue)) ||
        !time_arg_parse(cli, "--before", self.before, &before))
        return CLI_USAGE;
    return list(cli, &self,
                (const char *[]){self.queue, self.code, before.time, before.age_s, self.limit});
}

int
cmd_dead(cli_t *cli, int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"dead", run_list, "list the dead jobs, newest first"},
        {"dead show", dead_show, "tell all of a dead job"},
        {"dead retry", dead_retry, "make dead jobs ready again"},
        {"dead drop", dead_drop, "delete dead jobs"},
    };

    return cli_dispatch(cli, commands, sizeof commands / sizeof *commands, argc, argv);
}
