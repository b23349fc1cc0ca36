#include "actors/kit/sentry/sentry_throttle.h"

#include <string.h>

#include "actors/kit/util/hash.h"

static uint64_t
hash_of(const char *type, const char *reason)
{
    uint64_t hash = hash_bytes(HASH_BEGIN, type, strlen(type) + 1);

    if (reason)
        hash = hash_bytes(hash, reason, strlen(reason));
    return hash ? hash : 1;
}

/* Its own slot, or a free one, or the one that was used longest ago. */
static size_t
find(const struct throttle *self, uint64_t hash)
{
    size_t oldest = 0;

    for (size_t i = 0; i < THROTTLE_SLOTS; i++) {
        if (self->slots[i].hash == hash || !self->slots[i].hash)
            return i;
        if (self->slots[i].last_ms < self->slots[oldest].last_ms)
            oldest = i;
    }
    return oldest;
}

bool
throttle_pass(struct throttle *self, const char *type, const char *reason, int64_t now_ms,
              uint64_t *ret_held)
{
    const uint64_t hash = hash_of(type, reason);
    const size_t at = find(self, hash);

    if (self->slots[at].hash == hash && now_ms - self->slots[at].last_ms < THROTTLE_MS) {
        self->slots[at].held++;
        return false;
    }
    *ret_held = self->slots[at].hash == hash ? self->slots[at].held : 0;
    self->slots[at].hash = hash;
    self->slots[at].last_ms = now_ms;
    self->slots[at].held = 0;
    return true;
}
