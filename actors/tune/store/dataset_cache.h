/* dataset_cache - parsed price series of one process, the least recently used leaving first.
 *
 * Keyed by the file's SHA-256, and by whether the strategy reads volume: then a row without one
 * is dropped. The entry used last always stays, whatever its size, so what
 * find and add return is good until the next add.
 */
#ifndef ACTORS_TUNE_STORE_DATASET_CACHE_H
#define ACTORS_TUNE_STORE_DATASET_CACHE_H

#include "actors/kit/util/digest.h"
#include "actors/tune/data/data.h"

typedef struct dataset {
    uint8_t sha256[SHA256_SIZE];
    bool reads_volume;
    bars_t *bars;
    struct data_report report; /* its warnings belong to every tune on the data */
} dataset_t;

typedef struct dataset_cache dataset_cache_t;

dataset_cache_t *dataset_cache_new(size_t max_bytes);
void dataset_cache_destroy(dataset_cache_t **self_p);

const dataset_t *dataset_cache_find(dataset_cache_t *self, const uint8_t sha256[SHA256_SIZE],
                                    bool reads_volume);
/* Takes the bars of `dataset`, and copies the rest of it. */
const dataset_t *dataset_cache_add(dataset_cache_t *self, dataset_t *dataset);
size_t dataset_cache_count(const dataset_cache_t *self);

#endif
