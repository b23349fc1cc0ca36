/* pg_world - a pool on a loop against a fixture's database, for tests of pg. */
#ifndef TESTS_SUPPORT_PG_WORLD_H
#define TESTS_SUPPORT_PG_WORLD_H

#include <check.h>

#include "actors/kit/pg/pg.h"
#include "tests/support/pg_fixture.h"

#define WORLD_STATEMENTS(S)                                                                 \
    S(ECHO, 6, "SELECT $1::text, $2::bigint, $3::float8, $4::boolean, $5::uuid, $6::bytea") \
    S(INSERT, 2, "INSERT INTO item (id, note) VALUES ($1::bigint, $2::text)")               \
    S(COUNT, 0, "SELECT count(*) FROM item")                                                \
    S(DIVIDE, 1, "SELECT 10 / $1::bigint")                                                  \
    S(REFUSE, 1, "SELECT refuse($1::text)")                                                 \
    S(ARRAYS, 7,                                                                            \
      "SELECT $1::uuid[], $2::int[], $3::bigint[], $4::text[], $5::bytea[], $6::boolean[]," \
      " $7::float8[]")                                                                      \
    S(CHILD, 1, "INSERT INTO child (parent) VALUES ($1::bigint)")                           \
    S(SLEEP, 1, "SELECT pg_sleep($1::float8)")                                              \
    S(REPEAT, 1, "SELECT repeat('x', $1::bigint::int)")                                     \
    S(END_BACKENDS, 0,                                                                      \
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"                              \
      " WHERE datname = current_database() AND pid <> pg_backend_pid()")                    \
    S(NOTIFY, 1, "SELECT pg_notify('news', $1::text)")

typedef enum {
#define S(NAME, params, sql) WORLD_##NAME,
    WORLD_STATEMENTS(S)
#undef S
        WORLD_STATEMENT_COUNT
} world_statement_t;

extern const struct pg_statement world_statements[];

struct world {
    loop_t *loop;
    meters_t *metrics;
    pg_t *pg;
    char *url;
    size_t seen, wanted;    /* outcomes; the loop stops when they are equal */
    size_t ok, down, other; /* of the outcomes seen */
    size_t ups, downs, wanted_ups;
    size_t notes, wanted_notes; /* notifications with a payload */
    uint64_t wanted_connections;
    char last_note[100];
    tm_err_t last_err;
    char last_sqlstate[6], last_message[200];
};

extern pg_fixture_t *world_fixture; /* made by the test program's main */

/* Makes the schema in a fresh database, opens a pool and waits for every connection. */
void world_init(struct world *self, int connections);
/* The same pool on any url; waits for nothing. */
void world_init_url(struct world *self, const char *url, int connections);
void world_fini(struct world *self);
void world_wait(struct world *self, size_t outcomes); /* runs until so many more were seen */
void world_wait_up(struct world *self, size_t ups);   /* until on_up was called so often */
void world_wait_connections(struct world *self, uint64_t connections);
void world_wait_note(struct world *self, size_t notes);
void world_count(void *arg, const struct pg_outcome *outcome); /* a pg_fn; arg: the world */
void world_insert(struct world *self, int64_t id, const char *note);
void world_expect(const struct world *self, const char *sql, const char *answer);

TCase *pg_faults_case(void);

#endif
