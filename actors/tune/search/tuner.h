/* tuner - runs the jobs of the queue "tune", one at a time: from a job's body to its commit.
 *
 * A job is a list of steps (tuner.c, `steps`): read the request, mark the tune as running, get
 * the bars and the strategy, plan, search, judge, persist. What the job needs of the world
 * outside the database comes through a port, so that a test can run it without sockets.
 *
 * While the database is down a job waits with a back-off, as long as its lease holds: what was
 * computed is kept. Everything is written in one transaction with the job's own end, fenced by
 * its attempt, so effects land once or not at all.
 *
 * Owns its database connection and the cache of parsed data sets. One thread.
 */
#ifndef ACTORS_TUNE_SEARCH_TUNER_H
#define ACTORS_TUNE_SEARCH_TUNER_H

#include "actors/kit/runtime/metrics.h"
#include "actors/kit/runtime/settings.h"
#include "actors/tune/store/tune_setup.h"

typedef struct tuner tuner_t;

struct tuner_job {
    tm_uuid_t id; /* also the tune's */
    tm_uuid_t workspace;
    uint32_t attempt;
    tm_str_t body; /* borrowed */
};

struct tuner_port {
    void *arg;
    bool (*is_dropped)(void *arg);  /* its lease is gone: stop, nothing can be written */
    bool (*is_canceled)(void *arg); /* stop, and keep what was found */
    /* said once, of a canceled job: the search has stopped, and what it found is written */
    void (*stopped)(void *arg, uint64_t done, uint64_t total, const char *json);
    /* at most ten times a second, and once at the end of the search; json: see report_progress
     */
    void (*progress)(void *arg, uint64_t done, uint64_t total, const char *json);
};

/* err TM_OK: committed; result is the job's, the caller's to free. is_canceled: so are the
 * trials that had been run. TM_LEASE_LOST: given up, nothing was written. Else the job failed:
 * detail is for people. is_rejected: by what it asks for, so that nobody but whoever asked can
 * help. */
struct tuner_end {
    tm_err_t err;
    bool retryable, is_rejected, is_canceled;
    char detail[TUNE_DETAIL_BYTES];
    char *result;
    double queued_ms; /* how long it waited before; 0 if that is not known */
};

tuner_t *tuner_new(const settings_t *settings, meters_t *meters); /* borrows both */
void tuner_destroy(tuner_t **self_p);

void tuner_run(tuner_t *self, const struct tuner_job *job, const struct tuner_port *port,
               struct tuner_end *ret);

#endif
