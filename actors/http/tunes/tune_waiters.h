/* waits - requests that wait for their tune to end.
 *
 * A RESULT from the broker is only a hint that may be lost with a connection; so all waited
 * tunes are also asked for in one query four times a second. fn runs once, when the tune is
 * over, or may be, or the deadline has passed: it looks at the row and at the clock itself.
 */
#ifndef ACTORS_HTTP_TUNES_TUNE_WAITERS_H
#define ACTORS_HTTP_TUNES_TUNE_WAITERS_H

#include "actors/http/core/bridge.h"

/* Of the caller's, who removes it before it goes away. */
struct tune_waiter {
    tm_uuid_t job;
    int64_t deadline_ms; /* clock_ms */
    void (*fn)(void *arg);
    void *arg;
    bool is_waiting;
    struct tune_waiter *next;
};

tune_waiters_t *tune_waiters_new(bridge_t *bridge);
void tune_waiters_destroy(tune_waiters_t **self_p);

void tune_waiters_add(tune_waiters_t *self, struct tune_waiter *wait);
void tune_waiters_remove(tune_waiters_t *self,
                         struct tune_waiter *wait); /* without calling fn; may be done twice */
void tune_waiters_hint(tune_waiters_t *self, const tm_uuid_t *job);
void tune_waiters_end_all(tune_waiters_t *self); /* draining: every deadline has passed */

#endif
