/* waits - requests that wait for their tune to end.
 *
 * A RESULT from the broker is only a hint that may be lost with a connection; so all waited
 * tunes are also asked for in one query four times a second. fn runs once, when the tune is
 * over, or may be, or the deadline has passed: it looks at the row and at the clock itself.
 */
#ifndef ACTORS_HTTP_WAITS_H
#define ACTORS_HTTP_WAITS_H

#include "actors/http/bridge.h"

/* Of the caller's, who removes it before it goes away. */
struct wait {
    tm_uuid_t job;
    int64_t deadline_ms; /* clock_ms */
    void (*fn)(void *arg);
    void *arg;
    bool is_waiting;
    struct wait *next;
};

waits_t *waits_new(bridge_t *bridge);
void waits_destroy(waits_t **self_p);

void waits_add(waits_t *self, struct wait *wait);
void waits_remove(waits_t *self, struct wait *wait); /* without calling fn; may be done twice */
void waits_hint(waits_t *self, const tm_uuid_t *job);
void waits_end_all(waits_t *self); /* draining: every deadline has passed */

#endif
