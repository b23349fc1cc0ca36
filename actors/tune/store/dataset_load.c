#include "actors/tune/store/dataset_load.h"

#include <stdarg.h>
#include <string.h>

struct load {
    tune_store_t *store;
    const uint8_t *sha256;
    char *detail;
    char *data;
    size_t size, used;
    digest_t *digest;
};

__attribute__((format(printf, 2, 3))) static tm_err_t
mismatch(const struct load *self, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(self->detail, TUNE_DETAIL_BYTES, format, args);
    va_end(args);
    return TM_DATASET_MISMATCH;
}

static tm_err_t
load_piece(struct load *self, uint64_t piece)
{
    unsigned char *data = NULL;
    size_t size = 0;
    tm_err_t err = tune_store_piece(self->store, self->sha256, piece, &data, &size);

    if (err == TM_NOT_FOUND)
        return mismatch(self, "piece %llu of the dataset is missing; upload it again",
                        (unsigned long long)piece);
    if (err)
        return err;
    if (size == 0 || size > self->size - self->used)
        err = mismatch(self, "the pieces of the dataset do not add up to its size");
    else {
        memcpy(self->data + self->used, data, size);
        self->used += size;
        digest_add(self->digest, data, size);
    }
    free(data);
    return err;
}

static tm_err_t
load_pieces(struct load *self)
{
    uint8_t hash[SHA256_SIZE];

    for (uint64_t piece = 0; self->used < self->size; piece++) {
        tm_err_t err = load_piece(self, piece);
        if (err)
            return err;
    }
    digest_end(self->digest, hash);
    if (memcmp(hash, self->sha256, SHA256_SIZE) != 0)
        return mismatch(self, "the stored dataset has been changed since it was uploaded");
    return TM_OK;
}

static tm_err_t
check_size(const struct load *self, uint64_t size, uint64_t max_bytes)
{
    if (size == 0)
        return mismatch(self, "the dataset is empty");
    if (size <= max_bytes)
        return TM_OK;
    snprintf(self->detail, TUNE_DETAIL_BYTES, "the dataset has %llu bytes; %llu are allowed",
             (unsigned long long)size, (unsigned long long)max_bytes);
    return TM_FILE_TOO_LARGE;
}

tm_err_t
dataset_load(tune_store_t *store, const uint8_t sha256[SHA256_SIZE], uint64_t max_bytes,
             char *detail, char **ret, size_t *ret_size)
{
    struct load load = {.store = store, .sha256 = sha256, .detail = detail};
    uint64_t size = 0;
    tm_err_t err = tune_store_dataset_size(store, sha256, &size);

    if (err == TM_NOT_FOUND)
        return mismatch(&load, "the dataset is not stored, or not completely; upload it again");
    if (!err)
        err = check_size(&load, size, max_bytes);
    if (err)
        return err;
    load.size = (size_t)size;
    load.data = malloc(load.size);
    if (!load.data)
        return TM_NO_MEMORY;
    load.digest = digest_new();
    err = load_pieces(&load);
    digest_destroy(&load.digest);
    if (err) {
        free(load.data);
        return err;
    }
    *ret = load.data;
    *ret_size = load.size;
    return TM_OK;
}
