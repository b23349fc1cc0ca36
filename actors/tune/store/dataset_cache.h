/* dataset_cache - the parsed price series of one process, by their files' SHA-256 and how they
 * were read.
 *
 * The entry added last always stays, whatever its size, so what lru_find and
 * dataset_cache_add return is good until the next add.
 */
#ifndef ACTORS_TUNE_STORE_DATASET_CACHE_H
#define ACTORS_TUNE_STORE_DATASET_CACHE_H

#include <assert.h>

#include "actors/kit/util/digest.h"
#include "actors/kit/util/lru.h"
#include "actors/tune/data/data.h"

/* Compared as bytes: what is behind a text's end is zero, and there is no padding. */
struct dataset_key {
    uint8_t sha256[SHA256_SIZE];
    char timezone[64], symbol[64]; /* "": not said */
    double allow_dropped_pct;
    uint64_t reads_volume; /* 1: a row without volume is dropped */
};
#define DATASET_KEY_SIZE sizeof(struct dataset_key)
static_assert(DATASET_KEY_SIZE == SHA256_SIZE + 2 * 64 + 2 * 8, "there is padding in it");

typedef struct dataset {
    struct lru_link link;
    struct dataset_key key;
    bars_t *bars;
    struct data_report report; /* its warnings belong to every tune on the data */
} dataset_t;

lru_t *dataset_cache_new(size_t max_bytes); /* of dataset_t, by struct dataset_key */
/* Takes the bars of `dataset`, and copies the rest of it. */
const dataset_t *dataset_cache_add(lru_t *self, dataset_t *dataset);

#endif
