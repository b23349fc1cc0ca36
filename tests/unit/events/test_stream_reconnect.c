/* Five hundred watchers of two workspaces, each cut twenty times at random while ten thousand
 * events happen and bridge and publisher are killed: every one of them sees exactly the events
 * of its workspace, each once and in order. With the table as the bus, and with Redis. */
#include <check.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/command.h"
#include "tests/support/stream_pool.h"
#include "tests/support/suite.h"
#include "tests/support/system.h"

#define ONE "00000000-0000-0000-0000-000000000001"
#define TWO "00000000-0000-0000-0000-000000000002"

enum { CLIENTS = 500, CUTS = 20, EVENTS = 10000, KILLS = 6, RESULT_SKIP = 77 };

static struct system_up up;
static struct stream_pool pool;
static PGconn *database;
static unsigned cuts_left[CLIENTS];

static unsigned
below(unsigned limit)
{
    static uint64_t state = 88172645463325252u;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state % limit);
}

static void
run(const char *sql)
{
    PGresult *result = PQexec(database, sql);

    ck_assert_msg(PQresultStatus(result) == PGRES_TUPLES_OK ||
                      PQresultStatus(result) == PGRES_COMMAND_OK,
                  "%s", PQerrorMessage(database));
    PQclear(result);
}

/* One transaction with a few events of either workspace. */
static int
emit(int from, int most)
{
    int count = 1 + (int)below(20);
    char sql[256];

    count = count > most ? most : count;
    run("BEGIN");
    for (int i = 0; i < count; i++) {
        snprintf(sql, sizeof(sql),
                 "SELECT event_emit('backtest.tune.progress', '%s', '{\"n\": %d}')",
                 below(2) ? ONE : TWO, from + i);
        run(sql);
    }
    run("COMMIT");
    return count;
}

static void
cut_some(void)
{
    for (int tries = 0; tries < 20; tries++) {
        unsigned i = below(CLIENTS);

        if (cuts_left[i] == 0 || pool.clients[i].fd < 0)
            continue;
        stream_client_cut(&pool.clients[i]);
        cuts_left[i]--;
    }
}

static bool
has_cuts_left(void)
{
    for (int i = 0; i < CLIENTS; i++)
        if (cuts_left[i])
            return true;
    return false;
}

static void
kill_one(int number)
{
    const char *name = number % 2 ? "events" : "http";
    pid_t pid = system_child(&up, name);

    if (pid > 0)
        kill(pid, SIGKILL);
}

static int
published(void)
{
    PGresult *result = PQexec(database, "SELECT last_id FROM event_log");
    int value = (int)strtol(PQgetvalue(result, 0, 0), NULL, 10);

    PQclear(result);
    return value;
}

/* The last of its own: behind it nothing is missing that may still come. */
static int64_t last_of[2];

static bool
have_all(struct stream_pool *self)
{
    for (size_t i = 0; i < self->count; i++) {
        const struct stream_client *client = &self->clients[i];

        if (client->count == 0 || client->ids[client->count - 1] < last_of[i % 2])
            return false;
    }
    return true;
}

static void
check_journals(int which, const char *workspace)
{
    char sql[160];
    PGresult *result;
    int rows;

    snprintf(sql, sizeof(sql), "SELECT id FROM events WHERE workspace_id = '%s' ORDER BY id",
             workspace);
    result = PQexec(database, sql);
    rows = PQntuples(result);
    ck_assert_int_gt(rows, EVENTS / 3);
    for (size_t i = (size_t)which; i < CLIENTS; i += 2) {
        const struct stream_client *client = &pool.clients[i];

        ck_assert_uint_eq(client->resets, 0);
        for (size_t n = 0; n < client->count && n < (size_t)rows; n++)
            ck_assert_msg(client->ids[n] == strtoll(PQgetvalue(result, (int)n, 0), NULL, 10),
                          "client %zu: its event %zu is %lld, and should be %s", i, n,
                          (long long)client->ids[n], PQgetvalue(result, (int)n, 0));
        ck_assert_uint_eq(client->count, (size_t)rows);
    }
    PQclear(result);
}

static void
watch(void)
{
    uint16_t port = (uint16_t)(int)strtol(strrchr(up.http, ':') + 1, NULL, 10);

    stream_pool_start(&pool, port, CLIENTS);
    for (size_t i = 0; i < CLIENTS; i++) {
        stream_client_open(&pool.clients[i], i % 2 ? "/admin/events/stream?workspace_id=" TWO
                                                   : "/admin/events/stream?workspace_id=" ONE);
        cuts_left[i] = CUTS;
    }
    stream_pool_until(&pool, stream_pool_is_open, "all streams are open");
}

static int64_t
last_id(const char *workspace)
{
    char sql[160];
    PGresult *result;
    int64_t id;

    snprintf(sql, sizeof(sql), "SELECT max(id) FROM events WHERE workspace_id = '%s'",
             workspace);
    result = PQexec(database, sql);
    id = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return id;
}

static bool
are_published(struct stream_pool *self)
{
    (void)self;
    return published() == EVENTS;
}

static size_t
connects(void)
{
    size_t sum = 0;

    for (size_t i = 0; i < CLIENTS; i++)
        sum += pool.clients[i].connects;
    return sum;
}

static void
disturb_and_compare(const char *bus)
{
    int sent = 0, kills = 0;

    watch();
    while (sent < EVENTS || has_cuts_left()) {
        if (sent < EVENTS)
            sent += emit(sent, EVENTS - sent);
        if (sent * KILLS / EVENTS > kills || (sent == EVENTS && kills < KILLS))
            kill_one(kills++);
        cut_some();
        stream_pool_turn(&pool, 5);
    }
    stream_pool_until(&pool, are_published, "every event has a number");
    last_of[0] = last_id(ONE);
    last_of[1] = last_id(TWO);
    stream_pool_until(&pool, have_all, "every client has the last event");
    check_journals(0, ONE);
    check_journals(1, TWO);
    printf("%s: %d clients, %zu connections, %d events, %d kills, %d restarts: 0 missing, 0 "
           "twice, 0 out of order\n",
           bus, CLIENTS, connects(), EVENTS, kills, system_restarts(&up));
    ck_assert_int_ge(system_restarts(&up), KILLS - 2); /* one may hit a process that is away */
    ck_assert_int_le(system_restarts(&up), KILLS);
    stream_pool_stop(&pool);
}

static void
begin(void)
{
    setenv("ADMIN_TOKEN", STREAM_TOKEN, 1);
    system_start(&up, "1");
    database = PQconnectdb(up.database);
    ck_assert_int_eq(PQstatus(database), CONNECTION_OK);
}

static void
end(void)
{
    PQfinish(database);
    system_stop(&up);
}

START_TEST(nobody_misses_an_event_by_the_table)
{
    begin();
    disturb_and_compare("postgres");
    end();
}
END_TEST

/* --- Redis -------------------------------------------------------------------------------- */

static pid_t redis;
static char redis_directory[64], redis_socket[96];

static void
start_redis(void)
{
    const char *argv[] = {
        "/usr/bin/redis-server", "--port", "0", "--unixsocket", redis_socket, "--dir",
        redis_directory,         "--save", "",  "--logfile",    "redis.log",  NULL};
    char log[96];
    int out;

    snprintf(redis_directory, sizeof(redis_directory), "/tmp/tm-redis-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(redis_directory));
    snprintf(redis_socket, sizeof(redis_socket), "%s/socket", redis_directory);
    snprintf(log, sizeof(log), "%s/log", redis_directory);
    redis = command_start(argv, log, &out);
    ck_assert_int_gt(redis, 0);
    close(out);
    for (int tries = 0; access(redis_socket, F_OK) != 0; tries++) {
        ck_assert_int_lt(tries, 1000);
        usleep(10000);
    }
}

static void
stop_redis(void)
{
    const char *argv[] = {"/bin/rm", "-rf", redis_directory, NULL};
    struct command *removed;

    kill(redis, SIGKILL);
    removed = command_run(argv);
    command_destroy(&removed);
}

START_TEST(nobody_misses_an_event_by_redis)
{
    char url[128];

    start_redis();
    snprintf(url, sizeof(url), "unix://%s", redis_socket);
    setenv("TUNEMILL_EVENTS_BUS", "redis", 1);
    setenv("TUNEMILL_EVENTS_REDIS_URL", url, 1);
    begin();
    disturb_and_compare("redis");
    end();
    stop_redis();
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("stream_reconnect");
    TCase *table = suite_case(suite, "table", NULL, NULL);
    TCase *by_redis = suite_case(suite, "redis", NULL, NULL);

    if (access("/usr/lib/postgresql/15/bin/postgres", X_OK) != 0) {
        fprintf(stderr, "skipped: PostgreSQL is not installed\n");
        return RESULT_SKIP;
    }
    suite_tests(table, nobody_misses_an_event_by_the_table);
    if (access("/usr/bin/redis-server", X_OK) == 0)
        suite_tests(by_redis, nobody_misses_an_event_by_redis);
    else
        fprintf(stderr, "skipped: Redis is not installed\n");
    return suite_run(suite);
}
