#include "actors/tune/store/dataset_cache.h"

#include <czmq.h>

struct dataset_cache {
    size_t max_bytes, bytes;
    zlistx_t *items; /* of dataset_t, the most recently used first */
};

static void
destroy_item(void **item_p)
{
    dataset_t *item = *item_p;

    bars_destroy(&item->bars);
    free(item);
    *item_p = NULL;
}

dataset_cache_t *
dataset_cache_new(size_t max_bytes)
{
    dataset_cache_t *self = zmalloc(sizeof(*self));

    self->max_bytes = max_bytes;
    self->items = zlistx_new();
    zlistx_set_destructor(self->items, destroy_item);
    return self;
}

void
dataset_cache_destroy(dataset_cache_t **self_p)
{
    if (!*self_p)
        return;
    zlistx_destroy(&(*self_p)->items);
    free(*self_p);
    *self_p = NULL;
}

static size_t
bytes_of(const dataset_t *item)
{
    return item->bars->count * (5 * sizeof(double) + sizeof(int64_t) + sizeof(int32_t)) +
           sizeof(*item);
}

const dataset_t *
dataset_cache_find(dataset_cache_t *self, const uint8_t sha256[SHA256_SIZE], bool reads_volume)
{
    for (dataset_t *item = zlistx_first(self->items); item; item = zlistx_next(self->items))
        if (item->reads_volume == reads_volume &&
            memcmp(item->sha256, sha256, SHA256_SIZE) == 0) {
            zlistx_move_start(self->items, zlistx_cursor(self->items));
            return item;
        }
    return NULL;
}

const dataset_t *
dataset_cache_add(dataset_cache_t *self, dataset_t *dataset)
{
    dataset_t *item = zmalloc(sizeof(*item));

    *item = *dataset;
    dataset->bars = NULL;
    self->bytes += bytes_of(item);
    zlistx_add_start(self->items, item);
    while (self->bytes > self->max_bytes && zlistx_size(self->items) > 1) {
        self->bytes -= bytes_of(zlistx_last(self->items));
        zlistx_delete(self->items, zlistx_cursor(self->items));
    }
    return item;
}

size_t
dataset_cache_count(const dataset_cache_t *self)
{
    return zlistx_size(self->items);
}
