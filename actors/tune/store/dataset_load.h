/* dataset_load - a stored dataset's bytes, piece by piece, its SHA-256 checked. */
#ifndef ACTORS_TUNE_STORE_DATASET_LOAD_H
#define ACTORS_TUNE_STORE_DATASET_LOAD_H

#include "actors/tune/store/tune_store.h"

/* *ret is the caller's to free. TM_DATASET_MISMATCH (missing, incomplete or changed) and
 * TM_FILE_TOO_LARGE with the reason in detail (TUNE_DETAIL_BYTES); TM_STORE_DOWN, TM_BUSY,
 * TM_NO_MEMORY. */
TM_CHECKED tm_err_t dataset_load(tune_store_t *store, const uint8_t sha256[SHA256_SIZE],
                                 uint64_t max_bytes, char *detail, char **ret,
                                 size_t *ret_size);

#endif
