#include "tests/unit/events/streams_help.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOOKS = 6000, LOOK_US = 10000 };

struct system_up up;
struct stream_pool pool;
PGconn *database;

/* --- what happens ------------------------------------------------------------------------- */

long
number(const char *sql)
{
    PGresult *result = PQexec(database, sql);
    long value;

    ck_assert_msg(PQresultStatus(result) == PGRES_TUPLES_OK, "%s", PQerrorMessage(database));
    value = PQntuples(result) ? strtol(PQgetvalue(result, 0, 0), NULL, 10) : 0;
    PQclear(result);
    return value;
}

void
await(const char *sql, long wanted)
{
    for (int looks = 0; number(sql) != wanted; looks++) {
        ck_assert_msg(looks < LOOKS, "still not %ld: %s", wanted, sql);
        usleep(LOOK_US);
    }
}

void
emit(const char *topic, const char *workspace, int count)
{
    char sql[300];

    snprintf(sql, sizeof(sql),
             "SELECT count(event_emit('%s', '%s', jsonb_build_object('n', i)))"
             " FROM generate_series(1, %d) AS i",
             topic, workspace, count);
    number(sql);
    await("SELECT count(*) FROM event_outbox", 0);
}

int64_t
last_id(void)
{
    return number("SELECT last_id FROM event_log");
}

/* --- clients ------------------------------------------------------------------------------ */

void
start_pool(size_t count)
{
    stream_pool_start(&pool, (uint16_t)(int)strtol(strrchr(up.http, ':') + 1, NULL, 10), count);
}

void
stop_pool(void)
{
    if (pool.clients)
        stream_pool_stop(&pool);
    memset(&pool, 0, sizeof(pool));
}

struct stream_client *
open_one(size_t index, const char *path, const char *last)
{
    struct stream_client *client = &pool.clients[index];

    if (last)
        snprintf(client->reader.last_id, sizeof(client->reader.last_id), "%s", last);
    stream_client_open(client, path);
    return client;
}

static size_t wanted;

static bool
has_wanted(struct stream_pool *self)
{
    return self->clients[0].count >= wanted;
}

void
expect_events(size_t count)
{
    wanted = count;
    stream_pool_until(&pool, has_wanted, "the events have come");
    stream_pool_turn(&pool, 100);
    ck_assert_uint_eq(pool.clients[0].count, count);
}

bool
is_reset(struct stream_pool *self)
{
    return self->clients[0].resets > 0;
}

bool
is_answered(struct stream_pool *self)
{
    return self->clients[0].status != 0;
}

bool
has_answers(struct stream_pool *self)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->clients[i].connects == 0)
            return false;
    return self->clients[self->count - 1].status != 0;
}

void
set_up(void)
{
    start_pool(1);
}
