#include "ops/cli/local_instance.h"

#include <stdio.h>
#include <string.h>

#include "actors/kit/util/auto.h"
#include "actors/kit/runtime/broker_settings.h"
#include "ops/supervisor/broker_probe.h"
#include "ops/supervisor/status.h"

static void
take(cli_t *cli, const json_t *status, const char *member, const char *setting)
{
    const char *value = json_string_value(json_object_get(status, member));
    char assignment[4200], detail[CLI_DETAIL_MAX];

    if (!value || !value[0])
        return;
    snprintf(assignment, sizeof assignment, "%s=%s", setting, value);
    if (settings_set(cli->settings, assignment, detail, sizeof detail))
        cli_fail(cli, "up.json: %s", detail);
}

void
local_instance_fill(cli_t *cli, const char *data_dir)
{
    settings_t *defaults = settings_new();
    tm_auto(json) status = status_read(data_dir ? data_dir : cli->settings->system_data_dir);

    if (status && strcmp(cli->settings->broker_brokers, defaults->broker_brokers) == 0)
        take(cli, status, "broker", "broker.brokers");
    if (status && !cli->settings->database_url[0])
        take(cli, status, "database", "database.url");
    settings_destroy(&defaults);
}

bool
local_instance_has_broker(const cli_t *cli, const char *data_dir)
{
    const char *brokers = cli->settings->broker_brokers;

    if (broker_probe(brokers, cli->settings->broker_curve_client[0] != '\0'))
        return true;
    tm_auto(json) up = status_read(data_dir ? data_dir : cli->settings->system_data_dir);

    if (up)
        fprintf(stderr, "Nobody answers at %s yet; waiting for `tunemill up` to start one.\n",
                brokers);
    return up != NULL;
}

int
local_instance_misuse(const cli_t *cli)
{
    char detail[CLI_DETAIL_MAX];

    broker_settings_explain(cli->settings, detail, sizeof detail);
    return cli_misuse(cli, "%s", detail);
}

int
local_instance_fail(const cli_t *cli, tm_err_t err, const char *detail)
{
    if (err == TM_BROKER_DOWN)
        return cli_fail(
            cli,
            "no broker answers at %s; is `tunemill up` running? Name its directory with "
            "--data-dir, or the endpoint with --brokers%s",
            cli->settings->broker_brokers,
            cli->settings->broker_curve_client[0]
                ? "; or it does not let the certificate of broker.curve_client in"
                : "");
    return cli_fail(cli, "%s (%s)", detail && detail[0] ? detail : tm_err_text(err),
                    tm_err_name(err));
}
