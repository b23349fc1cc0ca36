#include "actors/kit/pg/pg_inner.h"

#include <poll.h>
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

/* What a server says at its end may come in pieces, the end of the stream last. */
bool
pg_connection_is_alive(PGconn *connection)
{
    struct pollfd item = {.fd = PQsocket(connection), .events = POLLIN};

    for (int turn = 0; turn < 4 && item.fd >= 0 && poll(&item, 1, 0) > 0; turn++)
        if (PQconsumeInput(connection) != 1)
            return false;
    return PQstatus(connection) == CONNECTION_OK;
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

bool
pg_send_listen(PGconn *connection, const char *channel)
{
    char *name = PQescapeIdentifier(connection, channel, strlen(channel));
    char sql[200];

    if (!name)
        return false;
    snprintf(sql, sizeof(sql), "%s%s", pg_listen_sql, name);
    PQfreemem(name);
    return PQsendQueryParams(connection, sql, 0, NULL, NULL, NULL, NULL, 0) == 1;
}
