/* tunemill queues: what every queue holds; `queues limit` bounds one. */
#include <string.h>

#include "actors/kit/util/auto.h"
#include "ops/cli/database.h"
#include "ops/cli/queue_args.h"
#include "ops/cli/print_tune.h"
#include "ops/cli/table.h"

struct queues {
    const char *data_dir;
    bool json;
};

static const struct cli_option options[] = {
    {"data-dir", "DIR", CLI_TEXT, offsetof(struct queues, data_dir),
     "of the running `tunemill up`; default system.data_dir"},
    {"json", NULL, CLI_FLAG, offsetof(struct queues, json), "print JSON"},
};

static const struct cli_usage usage = {
    .arguments = "",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .notes =
        "`tunemill queues limit QUEUE` sets what a queue may hold, and how many jobs of one\n"
        "workspace may run. oldest: how long the oldest ready job has been ready. done: jobs\n"
        "that ended well in the last minute and hour. rejected: jobs of the last hour that "
        "asked\n"
        "for what is wrong, as data that cannot be read; whoever asked was told why. A limit "
        "of -\n"
        "is that of the settings.\n",
};

static const struct table_column columns[] = {
    {"queue", "queue", TABLE_TEXT},
    {"ready", "ready", TABLE_NUMBER},
    {"oldest", "oldest_ready_seconds", TABLE_AGE},
    {"scheduled", "scheduled", TABLE_NUMBER},
    {"running", "running", TABLE_NUMBER},
    {"waiting", "waiting", TABLE_NUMBER},
    {"dead", "dead", TABLE_NUMBER},
    {"done 1 min", "done_minute", TABLE_NUMBER},
    {"done 1 h", "done_hour", TABLE_NUMBER},
    {"rejected 1 h", "rejected_hour", TABLE_NUMBER},
    {"max depth", "max_depth", TABLE_NUMBER},
    {"per workspace", "workspace_limit", TABLE_NUMBER},
    {"paused", "paused", TABLE_FLAG},
};

static int
run_list(cli_t *cli, int argc, char **argv)
{
    struct queues self = {NULL, false};
    int code = cli_parse(cli, &usage, &self, argc, argv);
    tm_auto(json) answer = NULL;
    const json_t *queues;

    if (code >= 0)
        return code;
    answer = database_ask(cli, self.data_dir, DATABASE_READ, CLI_QUEUES, NULL);
    if (!answer)
        return CLI_FAILED;
    queues = json_object_get(answer, "queues");
    if (self.json)
        print_json(stdout, answer);
    else if (json_array_size(queues) == 0)
        printf("No queue holds anything, and none has in the last hour.\n");
    else
        table_show(stdout, columns, sizeof columns / sizeof *columns, queues);
    return CLI_OK;
}

/* --- limit -------------------------------------------------------------------------------- */

struct limit {
    const char *data_dir, *max_depth, *per_workspace;
};

static const struct cli_option limit_options[] = {
    {"max-depth", "N|none", CLI_TEXT, offsetof(struct limit, max_depth),
     "jobs it may hold; more are answered QUEUE_FULL"},
    {"per-workspace", "N|none", CLI_TEXT, offsetof(struct limit, per_workspace),
     "jobs of one workspace that may run at once"},
    {"data-dir", "DIR", CLI_TEXT, offsetof(struct limit, data_dir),
     "of the running `tunemill up`; default system.data_dir"},
};

static const struct cli_usage limit_usage = {
    .arguments = "QUEUE",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = limit_options,
    .option_count = sizeof limit_options / sizeof *limit_options,
    .notes =
        "What is not named stays as it is; with neither, the limits are shown. The brokers\n"
        "heed a new limit at once; what is queued or runs already stays.\n",
};

static bool
is_limit(const cli_t *cli, const char *name, const char *text, long long max)
{
    const field_t row = {.kind = FIELD_INT, .min = 1, .max = (double)max};
    int64_t value;

    return !text || strcmp(text, "none") == 0 || cli_field(cli, name, &row, text, &value);
}

static void
print_limit(const char *name, const json_t *value, const char *without)
{
    if (json_is_integer(value))
        printf("%s %" JSON_INTEGER_FORMAT "\n", name, json_integer_value(value));
    else
        printf("%s none%s\n", name, without);
}

static int
set_limits(cli_t *cli, const struct limit *self)
{
    const char *queue = cli->arguments[0];
    const char *parameters[] = {queue, self->max_depth, self->per_workspace};
    bool is_set = self->max_depth || self->per_workspace;
    PGconn *connection =
        database_reach(cli, self->data_dir, is_set ? DATABASE_WRITE : DATABASE_READ);
    tm_auto(json) limits = NULL;

    if (connection && queue_arg_note_unknown(cli, connection, queue))
        limits = database_answer(cli, connection, is_set ? CLI_QUEUE_LIMIT : CLI_QUEUE_LIMITS,
                                 parameters);
    PQfinish(connection);
    if (!limits)
        return CLI_FAILED;
    printf("queue          %s\n", queue);
    print_limit("max depth     ", json_object_get(limits, "max_depth"),
                " of its own; broker.max_depth holds");
    print_limit("per workspace ", json_object_get(limits, "workspace_limit"), "");
    return CLI_OK;
}

static int
run_limit(cli_t *cli, int argc, char **argv)
{
    struct limit self = {NULL, NULL, NULL};
    int code = cli_parse(cli, &limit_usage, &self, argc, argv);

    if (code >= 0)
        return code;
    if (!queue_arg_check(cli, "QUEUE", cli->arguments[0]) ||
        !is_limit(cli, "--max-depth", self.max_depth, 1000000000) ||
        !is_limit(cli, "--per-workspace", self.per_workspace, 1000000000))
        return CLI_USAGE;
    return set_limits(cli, &self);
}

int
cmd_queues(cli_t *cli, int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"queues", run_list, "show the queues"},
        {"queues limit", run_limit, "bound what a queue holds and runs"},
    };

    return cli_dispatch(cli, commands, sizeof commands / sizeof *commands, argc, argv);
}
