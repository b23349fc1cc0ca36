/* What the same PostgreSQL does with nothing in between, and what a message and its answer cost
 * without a broker: two connections, 256 rows a commit, prepared statements, binary arrays. */
#include <czmq.h>
#include <pthread.h>

#include "actors/kit/pg/pg.h"
#include "ops/bench/bench.h"

#define CONNECTIONS   2
#define ROWS          256
#define LATENCY_TIMES 2000

static const char *const setup_sql =
    "DROP TABLE IF EXISTS bench_floor; CREATE TABLE bench_floor (id uuid PRIMARY KEY,"
    " queue text NOT NULL, state text NOT NULL, priority int NOT NULL, run_at timestamptz NOT"
    " NULL, attempts int NOT NULL DEFAULT 0, created_at timestamptz NOT NULL DEFAULT now(),"
    " finished_at timestamptz, payload bytea NOT NULL);"
    " CREATE INDEX bench_floor_ready ON bench_floor (queue, priority, run_at)"
    " WHERE state = 'ready'";
static const char *const end_sql = "DROP TABLE bench_floor";

enum { INSERT, FINISH, STATEMENTS };
static const struct pg_statement statements[STATEMENTS] = {
    [INSERT] = {"INSERT", 2,
                "INSERT INTO bench_floor (id, queue, state, priority, run_at, payload)"
                " SELECT i, 'bench', 'ready', 0, now(), p"
                "   FROM unnest($1::uuid[], $2::bytea[]) AS t (i, p)"},
    [FINISH] = {"FINISH", 1,
                "UPDATE bench_floor SET state = 'done', finished_at = now()"
                " WHERE id = ANY ($1::uuid[])"},
};

static pg_sync_t *
connect_to(const struct bench_world *world)
{
    return pg_sync_new(&(struct pg_options){.url = world->database,
                                            .application = "tunemill bench",
                                            .statements = statements,
                                            .statement_count = STATEMENTS,
                                            .connect_timeout_ms = 10000});
}

static tm_err_t
run_statement(pg_sync_t *database, size_t statement, pg_array_t **ids, pg_array_t **bodies)
{
    pg_unit_t *unit = pg_unit_sync(database);

    pg_add(unit, statement);
    pg_array(unit, ids);
    if (statement == INSERT)
        pg_array(unit, bodies);
    return pg_sync_run(database, &unit, NULL);
}

/* cycle: each row is also updated, in a second commit. */
static tm_err_t
run_batch(pg_sync_t *database, size_t rows, const char *payload, size_t size, bool cycle)
{
    pg_array_t *bodies = pg_array_new(PG_BYTEA), *ids = pg_array_new(PG_UUID);
    tm_auto(pg_array) again = pg_array_new(PG_UUID);
    tm_err_t err;

    for (size_t i = 0; i < rows; i++) {
        tm_uuid_t id = tm_uuid_new();
        pg_array_bytes(ids, id.bytes, sizeof id.bytes);
        pg_array_bytes(again, id.bytes, sizeof id.bytes);
        pg_array_bytes(bodies, payload, size);
    }
    err = run_statement(database, INSERT, &ids, &bodies);
    return err || !cycle ? err : run_statement(database, FINISH, &again, NULL);
}

struct floor_thread {
    pthread_t thread;
    const struct bench_world *world;
    long long rows;
    size_t payload;
    bool cycle;
    tm_err_t err;
};

static void *
fill(void *arg)
{
    struct floor_thread *self = arg;
    pg_sync_t *database = connect_to(self->world);
    char *payload = zmalloc(self->payload + 1);

    for (long long done = 0; !self->err && done < self->rows; done += ROWS)
        self->err = run_batch(database, ROWS, payload, self->payload, self->cycle);
    free(payload);
    pg_sync_destroy(&database);
    return NULL;
}

tm_err_t
bench_floor_rows(const struct bench_world *world, long long rows, long long payload, bool cycle,
                 double *ret)
{
    struct floor_thread threads[CONNECTIONS];
    long long each = rows / CONNECTIONS / ROWS * ROWS;
    tm_err_t err = bench_sql(world, setup_sql, 0);
    double before = bench_now();

    if (err)
        return err;
    for (int i = 0; i < CONNECTIONS; i++) {
        threads[i] = (struct floor_thread){
            .world = world, .rows = each, .payload = (size_t)payload, .cycle = cycle};
        if (pthread_create(&threads[i].thread, NULL, fill, &threads[i]) != 0)
            abort();
    }
    for (int i = 0; i < CONNECTIONS; i++) {
        pthread_join(threads[i].thread, NULL);
        err = err ? err : threads[i].err;
    }
    *ret = (double)(each * CONNECTIONS) / (bench_now() - before);
    return err ? err : bench_sql(world, end_sql, 0);
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

tm_err_t
bench_floor_latency(const struct bench_world *world, long long payload, double *ret_ms)
{
    double times[LATENCY_TIMES];
    tm_err_t err = bench_sql(world, setup_sql, 0);
    pg_sync_t *database = connect_to(world);
    char *body = zmalloc((size_t)payload + 1);

    if (!err)
        err = pg_sync_connect(database);
    for (size_t i = 0; i < LATENCY_TIMES && !err; i++) {
        double before = bench_now();
        err = run_batch(database, 1, body, (size_t)payload, true);
        times[i] = (bench_now() - before) * 1e3;
    }
    free(body);
    pg_sync_destroy(&database);
    if (err)
        return err;
    *ret_ms =
        bench_percentile(times, LATENCY_TIMES, 0.5) + round_trip_ms(world, (size_t)payload);
    return bench_sql(world, end_sql, 0);
}
