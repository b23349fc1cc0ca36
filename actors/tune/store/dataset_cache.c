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
    return lru_new(DATASET_KEY_SIZE, max_bytes, free_dataset);
}

const dataset_t *
dataset_cache_add(lru_t *self, dataset_t *dataset)
{
    dataset_t *item = zmalloc(sizeof(*item));

    *item = *dataset;
    dataset->bars = NULL;
    lru_put(self, item,
            item->bars->count * (5 * sizeof(double) + sizeof(int64_t) + sizeof(int32_t)) +
                sizeof(*item));
    return item;
}
