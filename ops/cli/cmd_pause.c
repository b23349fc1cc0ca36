/* tunemill pause and resume: whether jobs of a queue start. */
#include <stdio.h>

#include "actors/kit/util/auto.h"
#include "ops/cli/database.h"
#include "ops/cli/queue_args.h"

static const struct cli_usage usage = {
    .arguments = "QUEUE",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = database_options,
    .option_count = 1,
    .notes =
        "A paused queue takes jobs, and what runs goes on; no other job of it starts until\n"
        "it is resumed.\n",
};

static int
change(cli_t *cli, int argc, char **argv, bool is_pause)
{
    struct database_options self = {NULL, false};
    int code = cli_parse(cli, &usage, &self, argc, argv);
    const char *parameters[1], *queue;
    tm_auto(json) answer = NULL;
    PGconn *connection;

    if (code >= 0)
        return code;
    queue = parameters[0] = cli->arguments[0];
    if (!queue_arg_check(cli, "QUEUE", queue))
        return CLI_USAGE;
    connection = database_reach(cli, self.data_dir, DATABASE_WRITE);
    if (connection && queue_arg_note_unknown(cli, connection, queue))
        answer = database_answer(cli, connection, is_pause ? CLI_QUEUE_PAUSE : CLI_QUEUE_RESUME,
                                 parameters);
    PQfinish(connection);
    if (!answer)
        return CLI_FAILED;
    if (json_is_true(json_object_get(answer, "was_paused")) == is_pause)
        printf("%s was %s already\n", queue, is_pause ? "paused" : "running");
    else
        printf("%s is %s\n", queue, is_pause ? "paused" : "running again");
    return CLI_OK;
}

int
cmd_pause(cli_t *cli, int argc, char **argv)
{
    return change(cli, argc, argv, true);
}

int
cmd_resume(cli_t *cli, int argc, char **argv)
{
    return change(cli, argc, argv, false);
}
