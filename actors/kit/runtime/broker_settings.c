#include "actors/kit/runtime/broker_settings.h"

#include <string.h>

#include "actors/kit/runtime/log.h"

static const char *
path_or_none(const char *path)
{
    return path[0] ? path : NULL;
}

struct tm_curve
broker_settings_curve(const settings_t *settings)
{
    return (struct tm_curve){
        .server = path_or_none(settings->broker_curve_server),
        .client = path_or_none(settings->broker_curve_client),
        .allow_plain_tcp = settings->broker_allow_plain_tcp,
    };
}

void
broker_settings_explain(const settings_t *settings, char *detail, size_t detail_size)
{
    struct tm_curve curve = broker_settings_curve(settings);
    char reason[2048];

    if (!tm_curve_check(&curve, settings->broker_brokers, reason, sizeof reason))
        snprintf(detail, detail_size, "broker.brokers: \"%.900s\" is not a list of endpoints",
                 settings->broker_brokers);
    else if (curve.server && curve.client)
        snprintf(detail, detail_size, "%s", reason);
    else
        snprintf(detail, detail_size,
                 "%s; set broker.curve_server and broker.curve_client (`tunemill keys --help` "
                 "says how), or broker.allow_plain_tcp=1 on a network where nobody else is",
                 reason);
}

void
broker_settings_complain(const settings_t *settings, const char *event)
{
    char detail[2400], quoted[2600];

    broker_settings_explain(settings, detail, sizeof detail);
    log_error(event, "what=%s", log_quote(detail, strlen(detail), quoted, sizeof quoted));
}
