#include "actors/kit/pg/pg_settings.h"

struct pg_options
pg_settings_options(const settings_t *settings, meters_t *metrics, const char *application)
{
    return (struct pg_options){
        .url = settings->database_url,
        .application = application,
        .connections = (int)settings->database_connections,
        .connect_timeout_ms = (int)settings->database_connect_timeout_ms,
        .max_backoff_ms = (int)settings->database_max_backoff_ms,
        .metrics = metrics,
    };
}
