/* The commands that are one process of the system each. `--ready-fd` tells a parent when the
 * process is of use. */
#include "actors/explain/explain.h"
#include "actors/health/health.h"
#include "actors/http/http.h"
#include "actors/tune/tune.h"
#include "broker/broker.h"
#include "ops/cli/cli.h"
#include "ops/cli/looking_after.h"

int
cmd_broker(cli_t *cli, int argc, char **argv)
{
    int ready_fd, code = cli_service_start(cli, NULL, &ready_fd, argc, argv);

    return code >= 0 ? code : cli_service_end(cli, broker_run(cli->settings, ready_fd));
}

int
cmd_http(cli_t *cli, int argc, char **argv)
{
    int ready_fd, code = cli_service_start(cli, NULL, &ready_fd, argc, argv);
    struct looking_after looking;

    if (code >= 0)
        return code;
    looking_after_init(&looking, cli->settings);
    code = cli_service_end(cli, http_run(cli->settings, ready_fd, &looking.probing));
    looking_after_fini(&looking);
    return code;
}

int
cmd_health(cli_t *cli, int argc, char **argv)
{
    int ready_fd, code = cli_service_start(cli, NULL, &ready_fd, argc, argv);
    struct looking_after looking;

    if (code >= 0)
        return code;
    looking_after_init(&looking, cli->settings);
    code = cli_service_end(cli, health_run(cli->settings, &looking.model, ready_fd));
    looking_after_fini(&looking);
    return code;
}

int
cmd_tune(cli_t *cli, int argc, char **argv)
{
    int code = cli_service_start(cli, NULL, NULL, argc, argv);

    return code >= 0 ? code : cli_service_end(cli, tune_run(cli->settings));
}

int
cmd_explain(cli_t *cli, int argc, char **argv)
{
    int ready_fd, code = cli_service_start(cli, NULL, &ready_fd, argc, argv);

    return code >= 0 ? code : cli_service_end(cli, explain_run(cli->settings, ready_fd));
}
