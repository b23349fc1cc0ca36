/* The commands that are one process of the system each. `--ready-fd` tells a parent when the
 * process is of use. */
#include "actors/explain/explain.h"
#include "actors/health/health.h"
#include "actors/http/http.h"
#include "actors/tune/tune.h"
#include "broker/broker.h"
#include "ops/cli/cli.h"
#include "ops/cli/looking_after.h"

struct service {
    const char *ready_fd;
};

static const struct cli_option options[] = {
    {"ready-fd", "N", CLI_TEXT, offsetof(struct service, ready_fd),
     "write one line to descriptor N when ready"},
};

static const struct cli_usage with_readiness = {
    .arguments = "", .options = options, .option_count = 1};
static const struct cli_usage plain = {.arguments = ""};

static int
parse(cli_t *cli, const struct cli_usage *usage, int argc, char **argv, int *ret_ready_fd)
{
    struct service self = {NULL};
    long long ready_fd = -1;
    int code = cli_parse(cli, usage, &self, argc, argv);

    if (code >= 0)
        return code;
    if (self.ready_fd && !cli_integer(cli, "--ready-fd", self.ready_fd, 0, 65535, &ready_fd))
        return CLI_USAGE;
    *ret_ready_fd = (int)ready_fd;
    cli_service_start(cli);
    return -1;
}

int
cmd_broker(cli_t *cli, int argc, char **argv)
{
    int ready_fd, code = parse(cli, &with_readiness, argc, argv, &ready_fd);

    return code >= 0 ? code : cli_service_end(cli, broker_run(cli->settings, ready_fd));
}

int
cmd_http(cli_t *cli, int argc, char **argv)
{
    int ready_fd, code = parse(cli, &with_readiness, argc, argv, &ready_fd);
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
    int ready_fd, code = parse(cli, &with_readiness, argc, argv, &ready_fd);
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
    int ready_fd, code = parse(cli, &plain, argc, argv, &ready_fd);

    return code >= 0 ? code : cli_service_end(cli, tune_run(cli->settings));
}

int
cmd_explain(cli_t *cli, int argc, char **argv)
{
    int ready_fd, code = parse(cli, &with_readiness, argc, argv, &ready_fd);

    return code >= 0 ? code : cli_service_end(cli, explain_run(cli->settings, ready_fd));
}
