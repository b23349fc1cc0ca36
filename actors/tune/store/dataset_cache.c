#include "actors/tune/store/dataset_cache.h"

#include <czmq.h>

static void
free_dataset(void **item_p)
{
    dataset_t *item = *item_p;

    bars_destroy(&item->bars);
    free(item);
    *item_p = NULL;
}

lru_t *
dataset_cache_new(size_t max_bytes)
{
    return lru_new(SHA256_SIZE, max_bytes, free_dataset);
}

const dataset_t *
dataset_cache_add(lru_t *self, const uint8_t sha256[SHA256_SIZE], bars_t **bars_p,
                  const struct csv_report *report)
{
    dataset_t *item = zmalloc(sizeof(*item));

    memcpy(item->sha256, sha256, SHA256_SIZE);
    item->bars = *bars_p;
    *bars_p = NULL;
    item->report = *report;
    lru_put(self, item,
            item->bars->count * (5 * sizeof(double) + sizeof(int64_t)) + sizeof(*item));
    return item;
}
