/* dataset_cache - the parsed price series of one process, by their files' SHA-256.
 *
 * The entry added last always stays, whatever its size, so what lru_find and dataset_cache_add
 * return is good until the next add.
 */
#ifndef ACTORS_TUNE_STORE_DATASET_CACHE_H
#define ACTORS_TUNE_STORE_DATASET_CACHE_H

#include "actors/kit/util/digest.h"
#include "actors/kit/util/lru.h"
#include "actors/tune/engine/csv.h"

typedef struct dataset {
    struct lru_link link;
    uint8_t sha256[SHA256_SIZE];
    bars_t *bars;
    struct csv_report report; /* its warnings belong to every tune on the data */
} dataset_t;

lru_t *dataset_cache_new(size_t max_bytes); /* of dataset_t */
/* Takes the bars. */
const dataset_t *dataset_cache_add(lru_t *self, const uint8_t sha256[SHA256_SIZE],
                                   bars_t **bars_p, const struct csv_report *report);

#endif
