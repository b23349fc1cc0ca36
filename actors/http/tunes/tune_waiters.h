/* tune_waiters - requests that wait for their tune to end.
 *
 * A RESULT from the broker is only a hint that may be lost with a connection; so all waited
 * tunes are also asked for in one query four times a second. fn runs once, when the tune is
 * over, or may be, or the deadline has passed: it looks at the row and at the clock itself.
 */
#ifndef ACTORS_HTTP_TUNES_TUNE_WAITERS_H
#define ACTORS_HTTP_TUNES_TUNE_WAITERS_H

#include "actors/http/core/request.h"

/* Of the caller's, who removes it before it goes away. */
struct tune_waiter {
    tm_uuid_t job;
    int64_t deadline_ms; /* clock_ms */
    route_fn *fn;
    /* this module's own */
    request_t *request; /* a reference, while it waits */
    bool is_waiting;
    struct tune_waiter *next;
};

/* statement: TUNES_OVER as the bridge's pool has it */
tune_waiters_t *tune_waiters_new(bridge_t *bridge, size_t statement);
void tune_waiters_destroy(tune_waiters_t **self_p);

void tune_waiters_add(tune_waiters_t *self, struct tune_waiter *wait, request_t *request);
/* Without calling fn; may be done twice. */
void tune_waiters_remove(tune_waiters_t *self, struct tune_waiter *wait);
/* Draining: its deadline has passed, whether it waits now or would again. */
void tune_waiters_end(tune_waiters_t *self, struct tune_waiter *wait);
void tune_waiters_hint(tune_waiters_t *self, const tm_uuid_t *job);

#endif
