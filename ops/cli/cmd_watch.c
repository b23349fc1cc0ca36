#include <string.h>

#include "actors/kit/util/auto.h"
#include "actors/kit/runtime/broker_settings.h"
#include "ops/cli/local_instance.h"
#include "ops/cli/follow_tune.h"
#include "ops/cli/queue_args.h"

struct watch {
    const char *data_dir;
    bool json;
};

static const struct cli_option options[] = {
    {"data-dir", "DIR", CLI_TEXT, offsetof(struct watch, data_dir),
     "of the running `tunemill up`; default system.data_dir"},
    {"json", NULL, CLI_FLAG, offsetof(struct watch, json), "print the outcome as JSON"},
};

static const struct cli_usage usage = {
    .arguments = "TUNE_ID",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .notes =
        "The broker and the database are those of the settings, else those of the running\n"
        "`tunemill up`. Fails when the tune failed or was canceled.\n",
};

int
cmd_watch(cli_t *cli, int argc, char **argv)
{
    struct watch self = {NULL, false};
    int code = cli_parse(cli, &usage, &self, argc, argv);
    struct tm_client_options client_options = {.give_up_ms = 10000};
    tm_auto(tm_client) client = NULL;
    tm_auto(follow_tune) watching = NULL;
    const char *id;
    tm_uuid_t tune;

    if (code >= 0)
        return code;
    id = cli->arguments[0];
    if (!id_arg_find(cli, self.data_dir, "a tune's id", &id) ||
        tm_uuid_parse(id, strlen(id), &tune))
        return CLI_USAGE;
    local_instance_fill(cli, self.data_dir);
    client_options.brokers = cli->settings->broker_brokers;
    client_options.curve = broker_settings_curve(cli->settings);
    client = tm_client_new(&client_options);
    if (!client)
        return local_instance_misuse(cli);
    if (!local_instance_has_broker(cli, self.data_dir))
        return local_instance_fail(cli, TM_BROKER_DOWN, NULL);
    watching = follow_tune_new(cli, client, self.json);
    return follow_tune_run(watching, &tune);
}
