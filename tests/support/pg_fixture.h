/* pg_fixture - a private PostgreSQL cluster for a test program.
 *
 * One cluster a program, copied in main before Check forks from one that is made once a build
 * (kept.h); its directory is in scratch_base(), it listens on a UNIX socket only, fsync is on.
 * It runs as `postgres` when we are root, and dies with the process that started it. Each test
 * takes a fresh database, which is dropped when a later one takes its own. A test may kill the
 * cluster and start it again; pg_fixture_database starts it if the test before left it dead.
 */
#ifndef TESTS_SUPPORT_PG_FIXTURE_H
#define TESTS_SUPPORT_PG_FIXTURE_H

#include <stdbool.h>

/* A test program's exit status: PostgreSQL's programs are missing. */
#define PG_FIXTURE_SKIP 77

typedef struct pg_fixture pg_fixture_t;

/* NULL only when PostgreSQL's programs are not there: a message is printed, the program ends
 * with PG_FIXTURE_SKIP. Any other failure is printed and ends the program with status 1. */
pg_fixture_t *pg_fixture_new(void);
/* The same with settings of the server: at most 8 "name=value", NULL; borrowed. */
pg_fixture_t *pg_fixture_new_with(const char *const *settings);
/* Makes a data directory for `tunemill up`, with the cluster that `up` makes at its first
 * start, which takes seconds: so this start is a later one. Nothing runs. */
void pg_fixture_place(const char *data_dir);
void pg_fixture_destroy(pg_fixture_t **self_p); /* stops the cluster and removes its files */

/* The connection string of a new database, migrated or empty. The caller frees it. */
char *pg_fixture_database(pg_fixture_t *self);
char *pg_fixture_empty(pg_fixture_t *self);
char *pg_fixture_named(pg_fixture_t *self, const char *name); /* empty, of this name, anew */

void
pg_fixture_kill(pg_fixture_t *self); /* SIGKILL to every process; returns when all are gone */
/* A signal to the server, as an operator would send: SIGINT stops it fast, SIGQUIT at once.
 * Returns when it has ended. */
void pg_fixture_stop(pg_fixture_t *self, int signal_number);
/* The same signal to each of its processes: SIGSTOP, SIGCONT. */
void pg_fixture_signal(const pg_fixture_t *self, int signal_number);
void pg_fixture_start(pg_fixture_t *self); /* returns when connections are taken */
bool pg_fixture_is_alive(const pg_fixture_t *self);

/* Runs sql on a connection of its own: columns joined by '|', rows by newlines; "ERROR: ..." if
 * it fails. The caller frees it. */
char *pg_fixture_query(const char *url, const char *sql);

#endif
