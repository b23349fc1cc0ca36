/* answer_cache - rendered answers of one process, the least recently used leaving first.
 *
 * An answer is found by who asks, for which run, and in how many points. With it stands the
 * version of the rows it was made from, and when they were last seen to have that version;
 * whether that is recent enough is for the caller to say. One thread.
 */
#ifndef ACTORS_TUNE_RECOMPUTE_ANSWER_CACHE_H
#define ACTORS_TUNE_RECOMPUTE_ANSWER_CACHE_H

#include "proto/message.h"

#define ANSWER_VERSION 32

/* Compared byte by byte: it has no padding. */
struct answer_key {
    tm_uuid_t workspace, run;
    uint32_t points;
};

typedef struct answer {
    struct answer_key key;
    char version[ANSWER_VERSION]; /* terminated */
    int64_t seen_ms;              /* clock_ms */
    char *text;
    size_t size;
    void *handle; /* the cache's */
} answer_t;

typedef struct answer_cache answer_cache_t;

/* max_bytes counts the answers and what is kept with each; 0: none is kept. */
answer_cache_t *answer_cache_new(size_t max_bytes);
void answer_cache_destroy(answer_cache_t **self_p);

/* NULL: it is not there. Else good until the next put or drop; seen_ms may be written. */
answer_t *answer_cache_find(answer_cache_t *self, const struct answer_key *key);
/* Takes the text and replaces what the key had. One larger than the whole cache is freed: the
 * key has nothing then. */
void answer_cache_put(answer_cache_t *self, const struct answer_key *key, const char *version,
                      int64_t seen_ms, char **text_p);
void answer_cache_drop(answer_cache_t *self, const struct answer_key *key);
size_t answer_cache_bytes(const answer_cache_t *self);

#endif
