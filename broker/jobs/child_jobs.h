/* child_jobs - a DONE with jobs behind it: they stand in the same message, and commit with it
 * or not at all.
 *
 * Either the job has ended and these follow it, or they are its children: then it waits for
 * them and runs once more, as their join. Its own unit: few jobs end so, and none holds up the
 * rest.
 *
 * Handles  DONE with followers, SUBMIT behind one
 * Emits    SETTLED REJECTED
 */
#ifndef BROKER_JOBS_CHILD_JOBS_H
#define BROKER_JOBS_CHILD_JOBS_H

#include "broker/jobs/intake.h"
#include "broker/store/completions.h"

typedef struct spawn spawn_t;

typedef struct {
    context_t *context;
    peers_t *peers;
    dispatch_t *dispatch;
    submits_t *submits;
    completions_t *completions;
    lookup_t *lookup;
    controls_t *controls;
    spawn_t *reading; /* its DONE has come, and not yet all behind it; NULL: none */
} child_jobs_t;

/* Whether or not the DONE counts: the SUBMITs behind it are no producer's. */
void child_jobs_begin(child_jobs_t *self, const peer_t *from, const tm_msg_t *msg, bool counts);
void child_jobs_add(child_jobs_t *self, const tm_msg_t *msg); /* a SUBMIT behind it */
void child_jobs_end_of_message(child_jobs_t *self);

#endif
