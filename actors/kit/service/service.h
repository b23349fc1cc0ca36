/* service - the frame of every process of the system: `tunemill broker`, `http`, `tune`, ...
 *
 * A process is a struct service_type: its handlers, its statements, and what it takes from the
 * brokers. service_run does the rest, in one thread with one loop:
 *
 *   opening    signals, metrics and their report to the brokers, Sentry, the pool of database
 *              connections with the statements prepared; then `start`
 *   running    `up` and `down` as the database comes and goes, `tick`, `job` for each job or
 *              call. The line for ready_fd is written once the process is of use: when the
 *              database first answers (with `listen`: when it listens), and the worker end is
 *              open; at the start, if it has no database
 *   standby    with `stands_by` any number of processes may run and one has the lead: the one
 *              whose connection holds the lock that `lead_statement` takes. The others try at
 *              each tick; whoever loses the database loses the lead
 *   draining   the first SIGTERM or SIGINT: the worker end takes no more, and `drain`.
 *              Then, for at most drain_ms, until `is_drained`; then `cut` and at most cut_ms
 *              more. A second signal ends the loop at once
 *   closing    `stop`, the pool (what is in flight ends, and its callbacks run), `fini`, the
 *              worker end, the last report of the metrics, the loop
 *
 * Three things differ from one process to another, and are options:
 *
 *   on_thread    `job` runs on a thread of its own, one job at a time, for as long as it
 *                wants: tune computes there. Draining waits for its end without a bound, since
 *                an hour's work should not be lost; a second signal ends the process at once.
 *                Such a worker end is open from the start: the thread waits for the database
 *                itself. Without the option jobs come on the loop, and not before the database
 *                answers
 *   says_ready   the process knows itself when it is of use, and calls service_ready: broker,
 *                when its row is written; http, when a broker answers, with its address
 *   metrics      SERVICE_UNREPORTED: the broker hands on the reports of all, and its own
 *
 * In the log, NAME being the type's: NAME.ready (unless it says so itself), NAME.draining,
 * NAME.stopped; NAME.bad_brokers (the settings name none that can be spoken to),
 * NAME.refused (a certificate does not allow the queues), NAME.ready_unheard (nobody reads
 * ready_fd), NAME.killed (by a second signal, in the middle of a job).
 *
 * CONTRIBUTING.md has a whole actor as an example.
 */
#ifndef ACTORS_KIT_SERVICE_SERVICE_H
#define ACTORS_KIT_SERVICE_SERVICE_H

#include "actors/kit/pg/pg.h"
#include "actors/kit/runtime/federation.h"
#include "actors/kit/runtime/loop.h"
#include "actors/kit/runtime/metrics.h"
#include "actors/kit/runtime/settings.h"
#include "proto/worker.h"

/* What the process has to do with: each NULL until it is open, and if there is none. Handlers
 * read it; only `start` writes, to the last two. */
typedef struct service {
    const settings_t *settings;
    const void *given; /* by main, as the type's header says */
    meters_t *meters;
    loop_t *loop;
    federation_t *federation;
    pg_t *pg;
    tm_worker_t *worker;
    bool leads;
    bool is_draining;
    struct service_frame *frame;             /* service.c's own */
    uint32_t tick_ms;                        /* as the type says at first; so the next */
    struct tm_worker_options worker_options; /* brokers and keys are filled in */
} service_t;

enum service_metrics { SERVICE_REPORTS, SERVICE_WATCHES, SERVICE_UNREPORTED };

struct service_database {
    const char *application; /* as PostgreSQL shows it; NULL: there is no pool */
    const struct pg_statement *statements;
    size_t statement_count;
    const char *session; /* SQL that sets up each connection, or NULL */
    int connections;     /* 0: as database.connections says */
    const char *listen;  /* a channel, or NULL */
};

/* Every handler may be NULL, but that `job` is needed with queues or services. */
struct service_type {
    const char *name;  /* in metrics and Sentry; the default of worker.actor */
    size_t state_size; /* of what the handlers get as `state`: it begins with a service_t *,
                        * which is filled in, and is zero otherwise; 0: they get none */
    enum service_metrics metrics;
    bool works_unheard; /* goes on where the settings name no broker to report to */
    bool says_ready;
    struct service_database database;

    struct tm_worker_options worker; /* with queues or services: the process is a worker */
    bool on_thread;
    void (*job)(void *state, tm_job_t **job_p); /* ends it now or later (proto/worker.h) */

    /* TM_OK, or what service_run returns; it has logged why. */
    tm_err_t (*start)(void *state, service_t *service);
    void (*up)(void *state);                          /* the first connection is open */
    void (*down)(void *state);                        /* the last one is lost */
    void (*notify)(void *state, const char *payload); /* as pg.h says of on_notify */

    uint32_t tick_ms; /* unless start says otherwise; 0: never */
    /* When the database comes up, after `up`, and every tick_ms while it is: only with the lead
     * if it stands by. */
    void (*tick)(void *state);

    bool stands_by;
    size_t lead_statement;       /* one boolean: whether this session has the lock */
    void (*lead)(void *state);   /* instead of the first tick */
    void (*resign)(void *state); /* the lead is lost */

    void (*drain)(void *state);
    bool (*is_drained)(void *state); /* asked every 20 ms, once a thread's job has ended */
    int64_t drain_ms;                /* from then on; 0: not even asked */
    void (*cut)(void *state);
    int64_t cut_ms;

    void (*stop)(void *state); /* after a run: what ends from now on does not begin again */
    void (*fini)(void *state); /* also when `start` failed, wherever it did */
};

struct service_options {
    const settings_t *settings;
    int ready_fd; /* -1: none */
    const void *given;
    meters_t *meters; /* the caller's, which any thread may read meanwhile; NULL: its own */
};

/* Runs until SIGTERM or SIGINT; from the main thread, with no other that takes them. */
TM_CHECKED tm_err_t service_run(const struct service_type *type,
                                const struct service_options *options);

/* The process is of use: `line` goes to ready_fd, once. */
void service_ready(service_t *self, const char *line);
/* Ends the loop; service_run returns err. */
void service_end(service_t *self, tm_err_t err);

#endif
