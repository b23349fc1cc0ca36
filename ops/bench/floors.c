/* What the same PostgreSQL does with nothing in between, and what a message and its answer cost
 * without a broker: two connections, 256 rows a commit, prepared statements, binary arrays. */
#include <arpa/inet.h>
#include <czmq.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <string.h>

#include "ops/bench/bench.h"
#include "proto/message.h"

#define CONNECTIONS   2
#define ROWS          256
#define LATENCY_TIMES 2000
#define UUID_OID      2950
#define BYTEA_OID     17

static const char *const setup_sql =
    "DROP TABLE IF EXISTS bench_floor; CREATE TABLE bench_floor (id uuid PRIMARY KEY,"
    " queue text NOT NULL, state text NOT NULL, priority int NOT NULL, run_at timestamptz NOT"
    " NULL, attempts int NOT NULL DEFAULT 0, created_at timestamptz NOT NULL DEFAULT now(),"
    " finished_at timestamptz, payload bytea NOT NULL);"
    " CREATE INDEX bench_floor_ready ON bench_floor (queue, priority, run_at)"
    " WHERE state = 'ready'";
static const char *const insert_sql =
    "INSERT INTO bench_floor (id, queue, state, priority, run_at, payload)"
    " SELECT i, 'bench', 'ready', 0, now(), p FROM unnest($1::uuid[], $2::bytea[]) AS t (i, p)";
static const char *const finish_sql =
    "UPDATE bench_floor SET state = 'done', finished_at = now() WHERE id = ANY ($1::uuid[])";

static bool
succeeded(PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    PQclear(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

static PGconn *
connect_to(const struct bench_world *world)
{
    PGconn *connection = PQconnectdb(world->database);

    if (PQstatus(connection) == CONNECTION_OK &&
        succeeded(PQprepare(connection, "insert", insert_sql, 0, NULL)) &&
        succeeded(PQprepare(connection, "finish", finish_sql, 0, NULL)))
        return connection;
    fprintf(stderr, "tunemill bench: %s", PQerrorMessage(connection));
    PQfinish(connection);
    return NULL;
}

static tm_err_t
set_up(const struct bench_world *world, const char *sql)
{
    PGconn *connection = PQconnectdb(world->database);
    bool is_ok = PQstatus(connection) == CONNECTION_OK && succeeded(PQexec(connection, sql));

    PQfinish(connection);
    return is_ok ? TM_OK : TM_STORE_DOWN;
}

/* Two arrays in the server's binary form: one dimension, no nulls, lower bound 1, and each
 * element behind its length. */
struct array {
    char *data;
    size_t size;
};
struct batch {
    struct array ids, bodies;
};

static void
put32(struct array *self, size_t number)
{
    uint32_t value = htonl((uint32_t)number);

    memcpy(self->data + self->size, &value, sizeof value);
    self->size += sizeof value;
}

static void
put_item(struct array *self, const void *data, size_t size)
{
    put32(self, size);
    memcpy(self->data + self->size, data, size);
    self->size += size;
}

static void
array_begin(struct array *self, unsigned type, size_t rows, size_t item_size)
{
    self->data = zmalloc(20 + rows * (4 + item_size));
    self->size = 0;
    put32(self, 1);
    put32(self, 0);
    put32(self, type);
    put32(self, rows);
    put32(self, 1);
}

static void
batch_fill(struct batch *self, size_t rows, const char *payload, size_t size)
{
    array_begin(&self->ids, UUID_OID, rows, sizeof(tm_uuid_t));
    array_begin(&self->bodies, BYTEA_OID, rows, size);
    for (size_t i = 0; i < rows; i++) {
        tm_uuid_t id = tm_uuid_new();
        put_item(&self->ids, id.bytes, sizeof id.bytes);
        put_item(&self->bodies, payload, size);
    }
}

static void
batch_fini(struct batch *self)
{
    free(self->ids.data);
    free(self->bodies.data);
}

static bool
run_batch(PGconn *connection, const struct batch *batch, bool cycle)
{
    const char *values[] = {batch->ids.data, batch->bodies.data};
    int sizes[] = {(int)batch->ids.size, (int)batch->bodies.size}, formats[] = {1, 1};

    if (!succeeded(PQexecPrepared(connection, "insert", 2, values, sizes, formats, 1)))
        return false;
    return !cycle ||
           succeeded(PQexecPrepared(connection, "finish", 1, values, sizes, formats, 1));
}

struct floor_thread {
    pthread_t thread;
    const struct bench_world *world;
    long long rows;
    size_t payload;
    bool cycle, is_ok;
};

static void *
fill(void *arg)
{
    struct floor_thread *self = arg;
    PGconn *connection = connect_to(self->world);
    char *payload = zmalloc(self->payload + 1);
    struct batch batch;

    self->is_ok = connection != NULL;
    for (long long done = 0; self->is_ok && done < self->rows; done += ROWS) {
        batch_fill(&batch, ROWS, payload, self->payload);
        self->is_ok = run_batch(connection, &batch, self->cycle);
        batch_fini(&batch);
    }
    free(payload);
    PQfinish(connection);
    return NULL;
}

tm_err_t
bench_floor_rows(const struct bench_world *world, long long rows, long long payload, bool cycle,
                 double *ret)
{
    struct floor_thread threads[CONNECTIONS];
    long long each = rows / CONNECTIONS / ROWS * ROWS;
    tm_err_t err = set_up(world, setup_sql);
    double before = bench_now();

    for (int i = 0; i < CONNECTIONS && !err; i++) {
        threads[i] = (struct floor_thread){
            .world = world, .rows = each, .payload = (size_t)payload, .cycle = cycle};
        if (pthread_create(&threads[i].thread, NULL, fill, &threads[i]) != 0)
            abort();
    }
    for (int i = 0; i < CONNECTIONS && !err; i++)
        pthread_join(threads[i].thread, NULL);
    *ret = (double)(each * CONNECTIONS) / (bench_now() - before);
    for (int i = 0; i < CONNECTIONS && !err; i++)
        if (!threads[i].is_ok)
            return TM_STORE_DOWN;
    return err ? err : set_up(world, "DROP TABLE bench_floor");
}

/* --- one at a time ------------------------------------------------------------------------ */

static void
answer(zsock_t *pipe, void *arg)
{
    zsock_t *router = zsock_new_router(arg);
    zpoller_t *poller = zpoller_new(pipe, router, NULL);

    zsock_signal(pipe, router ? 0 : 1);
    while (zpoller_wait(poller, -1) == router) {
        zmsg_t *message = zmsg_recv(router);
        zmsg_send(&message, router);
    }
    zpoller_destroy(&poller);
    zsock_destroy(&router);
}

/* The median of a message there and back, through another thread. */
static double
round_trip_ms(const struct bench_world *world, size_t payload)
{
    char endpoint[128];
    double times[LATENCY_TIMES];
    zactor_t *actor;
    zsock_t *dealer;

    snprintf(endpoint, sizeof endpoint, "ipc://%s/floor.sock", world->directory);
    actor = zactor_new(answer, endpoint);
    dealer = zsock_new_dealer(endpoint);
    for (size_t i = 0; i < LATENCY_TIMES; i++) {
        double before = bench_now();
        zframe_t *frame = zframe_new(NULL, payload);
        zframe_send(&frame, dealer, 0);
        frame = zframe_recv(dealer);
        zframe_destroy(&frame);
        times[i] = (bench_now() - before) * 1e3;
    }
    zsock_destroy(&dealer);
    zactor_destroy(&actor);
    return bench_percentile(times, LATENCY_TIMES, 0.5);
}

static bool
time_commits(PGconn *connection, size_t payload, double times[LATENCY_TIMES])
{
    char *body = zmalloc(payload + 1);
    struct batch batch;
    bool is_ok = true;

    for (size_t i = 0; i < LATENCY_TIMES && is_ok; i++) {
        batch_fill(&batch, 1, body, payload);
        double before = bench_now();
        is_ok = run_batch(connection, &batch, true);
        times[i] = (bench_now() - before) * 1e3;
        batch_fini(&batch);
    }
    free(body);
    return is_ok;
}

tm_err_t
bench_floor_latency(const struct bench_world *world, long long payload, double *ret_ms)
{
    double times[LATENCY_TIMES];
    tm_err_t err = set_up(world, setup_sql);
    PGconn *connection = err ? NULL : connect_to(world);
    bool is_ok = connection && time_commits(connection, (size_t)payload, times);

    PQfinish(connection);
    if (!is_ok)
        return TM_STORE_DOWN;
    *ret_ms =
        bench_percentile(times, LATENCY_TIMES, 0.5) + round_trip_ms(world, (size_t)payload);
    return set_up(world, "DROP TABLE bench_floor");
}
