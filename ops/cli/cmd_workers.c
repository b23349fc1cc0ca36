/* tunemill workers: who works, for whom, and whether the brokers live. */
#include <stdio.h>

#include "actors/kit/util/auto.h"
#include "ops/cli/database.h"
#include "ops/cli/print_tune.h"
#include "ops/cli/table.h"

static const struct cli_usage usage = {
    .arguments = "",
    .options = database_options,
    .option_count = 2,
    .notes =
        "credit: jobs a worker takes at once; used: those it has; leaving: it takes no more. A "
        "worker of several brokers\n"
        "is one line. A broker whose last heartbeat is older than broker.takeover_ms is\n"
        "silent, and its workers are not listed; one that was taken over or ended is gone.\n",
};

static const struct table_column worker_columns[] = {
    {"worker", "worker", TABLE_TEXT},     {"actor", "actor", TABLE_TEXT},
    {"queues", "queues", TABLE_LIST},     {"credit", "credit", TABLE_NUMBER},
    {"used", "used", TABLE_NUMBER},       {"leaving", "leaving", TABLE_FLAG},
    {"software", "software", TABLE_TEXT}, {"brokers", "brokers", TABLE_LIST},
};

static const struct table_column broker_columns[] = {
    {"broker", "broker", TABLE_TEXT},           {"state", "state", TABLE_TEXT},
    {"heartbeat", "silent_seconds", TABLE_AGE}, {"workers", "workers", TABLE_NUMBER},
    {"since", "started_at", TABLE_TEXT},        {"endpoint", "endpoint", TABLE_TEXT},
};

static void
show(FILE *out, const json_t *answer)
{
    const json_t *workers = json_object_get(answer, "workers");
    const json_t *brokers = json_object_get(answer, "brokers");

    if (json_array_size(workers))
        table_show(out, worker_columns, sizeof worker_columns / sizeof *worker_columns,
                   workers);
    else
        fprintf(out, "No worker is connected to a broker that lives.\n");
    fputc('\n', out);
    if (json_array_size(brokers))
        table_show(out, broker_columns, sizeof broker_columns / sizeof *broker_columns,
                   brokers);
    else
        fprintf(out, "No broker has ever used this database, or none for an hour.\n");
}

int
cmd_workers(cli_t *cli, int argc, char **argv)
{
    struct database_options self = {NULL, false};
    int code = cli_parse(cli, &usage, &self, argc, argv);
    char takeover_ms[24];
    const char *parameters[] = {takeover_ms};
    tm_auto(json) answer = NULL;

    if (code >= 0)
        return code;
    snprintf(takeover_ms, sizeof takeover_ms, "%lld",
             (long long)cli->settings->broker_takeover_ms);
    answer = database_ask(cli, self.data_dir, DATABASE_READ, CLI_WORKERS, parameters);
    if (!answer)
        return CLI_FAILED;
    if (self.json)
        print_json(stdout, answer);
    else
        show(stdout, answer);
    return CLI_OK;
}
