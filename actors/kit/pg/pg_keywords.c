#include "actors/kit/pg/pg_inner.h"

#include <string.h>

#define S(NAME, params, sql) static const char NAME##_SQL[] = sql;
KIT_STATEMENTS(S)
#undef S
const char *const pg_session_sql = SESSION_SQL, *const pg_listen_sql = LISTEN_SQL;

bool
pg_is_address(const char *url)
{
    PQconninfoOption *parsed = PQconninfoParse(url, NULL);
    bool is_word = !strpbrk(url, "=:/@");

    PQconninfoFree(parsed);
    return parsed || is_word;
}

const char *
pg_connect_text(const struct pg_options *options, const PGconn *connection)
{
    if (!pg_is_address(options->url))
        return "the database's address cannot be read";
    return connection ? PQerrorMessage(connection) : "out of memory";
}

void
pg_keywords_init(struct pg_keywords *self, const struct pg_options *options)
{
    /* What stands before dbname is a default; what stands in the url wins over it. */
    const struct {
        const char *name, *value;
    } rows[] = {
        {"fallback_application_name", "tunemill"},
        {"application_name", options->application},
        {"client_encoding", "UTF8"},
        {"keepalives_idle", "10"},
        {"keepalives_interval", "5"},
        {"keepalives_count", "3"},
        {"tcp_user_timeout", "15000"},
        {"connect_timeout", self->timeout_s},
        {"dbname", options->url},
        {NULL, NULL},
    };
    int seconds = (options->connect_timeout_ms + 999) / 1000;

    snprintf(self->timeout_s, sizeof(self->timeout_s), "%d", seconds < 2 ? 2 : seconds);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        self->names[i] = rows[i].name;
        self->values[i] = rows[i].value;
    }
}
