/* tunemill cancel: ends jobs that wait, and asks those that run to stop. */
#include <stdio.h>
#include <string.h>

#include "actors/kit/util/auto.h"
#include "ops/cli/database.h"
#include "ops/cli/queue_args.h"

static const struct cli_usage usage = {
    .arguments = "JOB_ID...",
    .min_arguments = 1,
    .max_arguments = JOB_ARGS_MAX,
    .options = database_options,
    .option_count = 1,
    .notes =
        "With a job go its children. Prints the state each is in now: canceled; canceling,\n"
        "while its worker is asked to stop; done or dead, when it had ended before; unknown.\n"
        "Fails when a job is unknown.\n",
};

/* One after the other, each for itself: what is printed is committed. */
static int
cancel_all(const cli_t *cli, PGconn *connection)
{
    int unknown = 0;

    for (int i = 0; i < cli->argument_count; i++) {
        const char *parameters[] = {cli->arguments[i]};
        tm_auto(json) state = database_answer(cli, connection, CLI_CANCEL, parameters);

        if (!json_is_string(state))
            return CLI_FAILED;
        printf("%s  %s\n", cli->arguments[i], json_string_value(state));
        unknown += strcmp(json_string_value(state), "unknown") == 0;
    }
    if (unknown)
        return cli_fail(cli, "%d of the jobs %s unknown here", unknown,
                        unknown == 1 ? "is" : "are");
    return CLI_OK;
}

int
cmd_cancel(cli_t *cli, int argc, char **argv)
{
    struct database_options self = {NULL, false};
    int code = cli_parse(cli, &usage, &self, argc, argv);
    PGconn *connection;

    if (code >= 0)
        return code;
    for (int i = 0; i < cli->argument_count; i++)
        if (!job_arg_find(cli, self.data_dir, i))
            return CLI_USAGE;
    connection = database_reach(cli, self.data_dir, DATABASE_WRITE);
    code = connection ? cancel_all(cli, connection) : CLI_FAILED;
    PQfinish(connection);
    return code;
}
