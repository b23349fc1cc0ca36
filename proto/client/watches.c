#include "proto/client/watches.h"

#include <stdlib.h>

#include "proto/codec/uuid_map.h"

#define AUDIT_MS 30000

struct watch {
    tm_uuid_t job;
    int64_t due_ms; /* ask again then */
};

struct watches {
    uuid_map_t *map;
    size_t limit;
    int64_t due_ms; /* no watch is due earlier */
};

watches_t *
watches_new(size_t limit)
{
    watches_t *self = zmalloc(sizeof *self);

    self->map = uuid_map_new(offsetof(struct watch, job));
    self->limit = limit;
    return self;
}

void
watches_destroy(watches_t **self_p)
{
    watches_t *self = *self_p;

    if (!self)
        return;
    uuid_map_end(&self->map, free);
    free(self);
    *self_p = NULL;
}

bool
watches_has(const watches_t *self, const tm_uuid_t *job)
{
    return uuid_map_get(self->map, job) != NULL;
}

static tm_err_t
add_due(watches_t *self, const tm_uuid_t *job, int64_t due_ms)
{
    if (watches_has(self, job))
        return TM_OK;
    if (uuid_map_size(self->map) >= self->limit)
        return TM_BUSY;
    struct watch *watch = zmalloc(sizeof *watch);
    watch->job = *job;
    watch->due_ms = due_ms;
    if (due_ms < self->due_ms)
        self->due_ms = due_ms;
    uuid_map_put(self->map, watch);
    return TM_OK;
}

tm_err_t
watches_add(watches_t *self, const tm_uuid_t *job)
{
    return add_due(self, job, zclock_mono() + AUDIT_MS);
}

void
watches_forget(watches_t *self, const tm_uuid_t *job)
{
    struct watch *watch = uuid_map_get(self->map, job);

    uuid_map_remove(self->map, job);
    free(watch);
}

bool
watches_move(watches_t *self, const tm_uuid_t *from, const tm_uuid_t *to)
{
    if (tm_uuid_is(from, to) || !watches_has(self, from))
        return false;
    watches_forget(self, from);
    return add_due(self, to, zclock_mono()) == TM_OK; /* there is room: one has just gone */
}

void
watches_ask(watches_t *self, dealer_t *broker, bool only_due)
{
    int64_t now_ms = zclock_mono();
    struct watch *watch;

    if (!broker->alive || (only_due && self->due_ms > now_ms))
        return;
    self->due_ms = now_ms + AUDIT_MS;
    for (size_t at = 0; (watch = uuid_map_next(self->map, &at));) {
        if (!only_due || watch->due_ms <= now_ms) {
            tm_msg_t msg = {.type = TM_MSG_SUBSCRIBE, .subscribe.job = watch->job};
            watch->due_ms = now_ms + AUDIT_MS;
            dealer_msg(broker, &msg);
        }
        if (watch->due_ms < self->due_ms)
            self->due_ms = watch->due_ms;
    }
    dealer_flush(broker);
}
