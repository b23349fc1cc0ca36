/* bench - what `tunemill bench queue` measures, and beside what.
 *
 * Everything runs on one private system that is started for the measurement: its own
 * PostgreSQL, broker, and as many producer and worker processes as asked for. The floors use
 * the same PostgreSQL without a broker: what no queue on it can beat.
 */
#ifndef OPS_BENCH_BENCH_H
#define OPS_BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/error.h"

#define BENCH_QUEUE "bench"

struct bench_options {
    long long jobs, producers, workers, payload;
    long long window; /* unanswered submits of all producers together */
    long long credit; /* jobs at once of each worker */
    long long history,
        backlog;   /* jobs that have ended, and that wait in another queue, before */
    bool snapshot; /* a transaction stays open all the time */
    long long workspace_limit; /* of the queue; 0: none */
    long long rounds;          /* of a comparison with an empty system; 0: none is made */
};

/* Seconds of processor time; the broker's with the idle rest of the system. */
struct bench_cost {
    double clients, broker, database;
};

/* Rates are jobs a second, latencies milliseconds; 0: not measured. */
struct bench_figures {
    double enqueue, drain, end_to_end;
    double latency_p50, latency_p99;
    double floor_insert, floor_cycle;
    double floor_latency;    /* two single-row commits and a ZeroMQ round trip, medians */
    double call, floor_call; /* a second: through the broker, and a bare ZeroMQ proxy */
    struct bench_cost cost;  /* of the end-to-end run, microseconds a job */
    long long repeats;       /* jobs that a worker saw twice: each is a fault */
};

enum { BENCH_ROUNDS_MAX = 100 };

/* Of each round, what was asked for as a share of the empty system's. */
struct bench_comparison {
    double enqueue[BENCH_ROUNDS_MAX], drain[BENCH_ROUNDS_MAX], end_to_end[BENCH_ROUNDS_MAX];
    double empty[BENCH_ROUNDS_MAX]; /* jobs a second end to end: how much the machine varies */
    long long repeats;
};

struct bench_world;

/* Starts the system, measures, stops it. On failure `detail` says what to do. */
TM_CHECKED tm_err_t bench_queue(const struct bench_options *options, struct bench_figures *ret,
                                char *detail, size_t size);
/* Two systems, the other one empty, measured in turn `rounds` times. */
TM_CHECKED tm_err_t bench_compare(const struct bench_options *options,
                                  struct bench_comparison *ret, char *detail, size_t size);
/* The part of bench_queue that moves jobs. */
TM_CHECKED tm_err_t bench_throughput(const struct bench_world *world,
                                     const struct bench_options *options,
                                     struct bench_figures *ret);

/* --- world.c: the private system ---------------------------------------------------------- */

struct bench_world {
    char directory[64];
    char broker[512], database[1024];
    int pid;
    void *snapshot; /* a PGconn whose transaction is open, or NULL */
};
TM_CHECKED tm_err_t bench_world_start(struct bench_world *self, char *detail, size_t size);
void bench_world_stop(struct bench_world *self);
/* One statement, of one parameter if there is a number. */
TM_CHECKED tm_err_t bench_sql(const struct bench_world *self, const char *sql,
                              long long number);
/* Gives it a past and a limit. */
TM_CHECKED tm_err_t bench_age(struct bench_world *self, const struct bench_options *options);
/* Before a measurement: what is dirty is written, and `forget` what has ended. */
TM_CHECKED tm_err_t bench_settle(const struct bench_world *self, bool forget);

/* --- loads.c: producers and workers, each a process --------------------------------------- */

struct bench_load {
    long long producers, workers; /* 0: none of these */
    bool has_latency;             /* one job at a time, by one producer that watches it */
    double seconds;               /* from the first submit to the last durable completion */
    double client_seconds;        /* processor time of producers and workers */
    double *latency_ms;           /* `jobs` of them; owned by the caller */
    long long repeats;
};
TM_CHECKED tm_err_t bench_load_run(const struct bench_world *world,
                                   const struct bench_options *options,
                                   struct bench_load *self);

/* --- calls.c ------------------------------------------------------------------------------ */

TM_CHECKED tm_err_t bench_calls(const struct bench_world *world, long long count,
                                long long payload, bool is_floor, double *ret);

/* --- floors.c: the same database, and plain ZeroMQ ---------------------------------------- */

/* Rows a second; cycle: each is also updated, in a second commit. */
TM_CHECKED tm_err_t bench_floor_rows(const struct bench_world *world, long long rows,
                                     long long payload, bool cycle, double *ret);
TM_CHECKED tm_err_t bench_floor_latency(const struct bench_world *world, long long payload,
                                        double *ret_ms);

/* --- processes.c -------------------------------------------------------------------------- */

typedef bool bench_part_fn(void *arg);
pid_t bench_fork(bench_part_fn *part, void *arg); /* exits with 0 if the part says true */
void *bench_share(size_t size); /* memory that all who are forked then share */
struct bench_cost
bench_cost(const struct bench_world *world); /* so far; clients are not in it */
double bench_now(void); /* seconds, monotonic, comparable between processes */
double bench_percentile(double *values, size_t count, double share); /* sorts them */

#endif
