/* sentry_throttle - of events that are the same, one a second. Not thread-safe. */
#ifndef ACTORS_KIT_SENTRY_SENTRY_THROTTLE_H
#define ACTORS_KIT_SENTRY_SENTRY_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

enum { THROTTLE_SLOTS = 64, THROTTLE_MS = 1000 };

struct throttle {
    struct {
        uint64_t hash; /* of what makes them the same; 0: free */
        int64_t last_ms;
        uint64_t held; /* back, since then */
    } slots[THROTTLE_SLOTS];
};

/* True: it may pass, and so many like it were held back before. reason: may be NULL. */
bool throttle_pass(struct throttle *self, const char *type, const char *reason, int64_t now_ms,
                   uint64_t *ret_held);

#endif
