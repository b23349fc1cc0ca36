/* site - the processes of a run: a private PostgreSQL, the wire, brokers, workers, producers.
 *
 * What ends is started again at the next tick, as a supervisor would, unless a fault holds it
 * down. What ends in a way that no fault explains is counted. */
#ifndef TESTS_CHAOS_SITE_H
#define TESTS_CHAOS_SITE_H

#include <libpq-fe.h>
#include <sys/types.h>

#include "tests/chaos/chaos.h"
#include "tests/support/pg_fixture.h"

enum role { ROLE_WIRE, ROLE_BROKER, ROLE_WORKER, ROLE_PRODUCER, ROLE_STRANGER, ROLE_COUNT };

struct process {
    enum role role;
    unsigned index;
    pid_t pid;         /* 0: not running */
    bool is_wanted;    /* started again when it has ended */
    bool is_expected;  /* its next end is a fault's doing */
    bool has_finished; /* a producer: it has nothing left to do */
    unsigned starts;
};

enum { PROCESSES = 1 + BROKERS_LIMIT + 2 * PEERS_LIMIT + 1 };

struct site {
    char directory[64];
    const char *program;
    pg_fixture_t *fixture;
    char *url; /* straight to the database */
    struct chaos_shared *shared;
    struct faulty *disk, *clock; /* the database's and ours */
    struct process processes[PROCESSES];
    size_t count;
    unsigned crashes;          /* workers that their jobs have ended */
    unsigned long unexplained; /* ends */
    unsigned long superseded;  /* brokers that stopped because another took over */
    long broker_kb;            /* the most memory that one ever had */
    int64_t sampled_ms;
};

void site_start(struct site *self, pg_fixture_t *fixture, const char *program);
void site_load(struct site *self); /* workers and producers begin */
void site_tick(struct site *self); /* sees who has ended, starts again who is wanted */
void site_pause(struct site *self, int64_t ms); /* ticks for so long */

size_t site_running(const struct site *self, enum role role);
/* The index-th process of the role, whether or not it runs. */
struct process *site_process(struct site *self, enum role role, unsigned index);
void site_kill(struct site *self, struct process *process, int signal_number);
void site_kill_all(struct site *self, enum role role, int signal_number);
void site_begin_stranger(struct site *self, unsigned index);

/* Ends producers (by themselves), workers, brokers; false: one did not end in time. */
bool site_await_producers(struct site *self, int64_t patience_ms);
bool site_stop(struct site *self, int64_t patience_ms);
void site_remove(struct site *self); /* its files */

#endif
