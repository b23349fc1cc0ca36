/* The commands that are a process of the system each: the rows of ops/services.def. */
#include <string.h>

#include "actors/events/publisher.h"
#include "actors/explain/explain.h"
#include "actors/explain/llm/model_config.h"
#include "actors/health/health.h"
#include "actors/health/probes.h"
#include "actors/http/http.h"
#include "actors/retention/retention.h"
#include "actors/tune/tune.h"
#include "actors/kit/runtime/loop.h"
#include "broker/broker.h"
#include "ops/cli/cli.h"
#include "ops/services.def"

enum given { NOTHING, PROBES };

struct row {
    const char *name, *notes;
    const struct service_type *type;
    enum given given;
};

static const struct row rows[] = {
#define SERVICE(KIND, name, command, given, stage, how, help, notes) \
    {#name, notes, &name##_service, given},
    SERVICES(SERVICE)
#undef SERVICE
};

struct line {
    long long ready_fd;
};

static const struct cli_option options[] = {
    {"ready-fd", "N", CLI_INT(0, 65535), offsetof(struct line, ready_fd),
     "write one line to descriptor N when ready"},
};

static const struct row *
row_of(const struct cli_command *command)
{
    const struct row *row = rows;

    while (strcmp(row->name, command->name) != 0)
        row++;
    return row;
}

/* The model that the health page names is the first that can be asked. */
static tm_err_t
run_with_probes(const struct service_type *type, struct service_options *service)
{
    struct model_configs models;
    struct probes_model model = {NULL, NULL};
    struct probing probing = probes_probing(&model);
    tm_err_t err;

    model_configs_read(&models, service->settings);
    for (size_t i = 0; i < models.count && !model.provider; i++)
        if (models.items[i].state == MODEL_CONFIG_USABLE)
            model = (struct probes_model){models.items[i].name, models.items[i].model};
    service->given = &probing;
    err = service_run(type, service);
    model_configs_fini(&models);
    return err;
}

int
run_service(cli_t *cli, int argc, char **argv)
{
    const struct row *row = row_of(cli->command);
    const struct cli_usage usage = {
        .arguments = "", .options = options, .option_count = 1, .notes = row->notes};
    struct line line = {-1};
    int code = cli_parse(cli, &usage, &line, argc, argv);
    struct service_options service;
    tm_err_t err;

    if (code >= 0)
        return code;
    loop_hold_signals();
    cli_log_init(cli);
    service =
        (struct service_options){.settings = cli->settings, .ready_fd = (int)line.ready_fd};
    err = row->given == PROBES ? run_with_probes(row->type, &service)
                               : service_run(row->type, &service);
    return err ? cli_fail(cli, "%s (%s)", tm_err_text(err), tm_err_name(err)) : CLI_OK;
}
