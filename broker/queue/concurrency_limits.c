#include "broker/queue/concurrency_limits.h"

typedef struct {
    tm_uuid_t workspace;
    size_t running;
} share_t;

void
concurrency_limits_init(concurrency_limits_t *self)
{
    self->shares = uuid_map_new(offsetof(share_t, workspace));
}

void
concurrency_limits_fini(concurrency_limits_t *self)
{
    share_t *share;

    for (size_t at = 0; (share = uuid_map_next(self->shares, &at));)
        free(share);
    uuid_map_destroy(&self->shares);
}

size_t
concurrency_limits_room(const concurrency_limits_t *self, const tm_uuid_t *workspace)
{
    const share_t *share = self->limit ? uuid_map_get(self->shares, workspace) : NULL;
    size_t limit = (size_t)self->limit;

    if (!limit)
        return SIZE_MAX;
    if (!share)
        return limit;
    return share->running < limit ? limit - share->running : 0;
}

void
concurrency_limits_take(concurrency_limits_t *self, const tm_uuid_t *workspace, size_t count)
{
    share_t *share = uuid_map_get(self->shares, workspace);

    if (!share) {
        share = zmalloc(sizeof(*share));
        share->workspace = *workspace;
        uuid_map_put(self->shares, share);
    }
    share->running += count;
}

void
concurrency_limits_give(concurrency_limits_t *self, const tm_uuid_t *workspace, size_t count)
{
    share_t *share = uuid_map_get(self->shares, workspace);

    share->running -= count;
    if (share->running == 0) {
        uuid_map_remove(self->shares, workspace);
        free(share);
    }
}
