#include "actors/tune/recompute/answer_cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct answer_cache {
    size_t max_bytes, bytes;
    zhashx_t *by_key;
    zlistx_t *by_use; /* the one used last is the last */
};

static_assert(sizeof(struct answer_key) == 36, "there is padding in it");

static size_t
key_hash(const void *key)
{
    const uint8_t *bytes = key;
    uint64_t hash = 14695981039346656037ULL; /* FNV-1a */

    for (size_t i = 0; i < sizeof(struct answer_key); i++)
        hash = (hash ^ bytes[i]) * 1099511628211ULL;
    return (size_t)hash;
}

static int
key_compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct answer_key));
}

answer_cache_t *
answer_cache_new(size_t max_bytes)
{
    answer_cache_t *self = zmalloc(sizeof(*self));

    self->max_bytes = max_bytes;
    self->by_use = zlistx_new();
    self->by_key = zhashx_new();
    zhashx_set_key_hasher(self->by_key, key_hash);
    zhashx_set_key_comparator(self->by_key, key_compare);
    zhashx_set_key_duplicator(self->by_key, NULL);
    zhashx_set_key_destructor(self->by_key, NULL);
    return self;
}

static size_t
cost(const answer_t *answer)
{
    return sizeof(*answer) + answer->size + 1;
}

static void
forget(answer_cache_t *self, answer_t *answer)
{
    zhashx_delete(self->by_key, &answer->key);
    zlistx_delete(self->by_use, answer->handle);
    self->bytes -= cost(answer);
    free(answer->text);
    free(answer);
}

void
answer_cache_destroy(answer_cache_t **self_p)
{
    answer_cache_t *self = *self_p;
    answer_t *answer;

    if (!self)
        return;
    while ((answer = zlistx_first(self->by_use)))
        forget(self, answer);
    zhashx_destroy(&self->by_key);
    zlistx_destroy(&self->by_use);
    free(self);
    *self_p = NULL;
}

answer_t *
answer_cache_find(answer_cache_t *self, const struct answer_key *key)
{
    answer_t *answer = zhashx_lookup(self->by_key, key);

    if (answer)
        zlistx_move_end(self->by_use, answer->handle);
    return answer;
}

void
answer_cache_put(answer_cache_t *self, const struct answer_key *key, const char *version,
                 int64_t seen_ms, char **text_p)
{
    answer_t *answer = zmalloc(sizeof(*answer));

    answer_cache_drop(self, key);
    *answer =
        (answer_t){.key = *key, .seen_ms = seen_ms, .text = *text_p, .size = strlen(*text_p)};
    *text_p = NULL;
    snprintf(answer->version, sizeof(answer->version), "%s", version);
    if (cost(answer) > self->max_bytes) { /* it would only drive out the others */
        free(answer->text);
        free(answer);
        return;
    }
    answer->handle = zlistx_add_end(self->by_use, answer);
    zhashx_insert(self->by_key, &answer->key, answer);
    self->bytes += cost(answer);
    while (self->bytes > self->max_bytes)
        forget(self, zlistx_first(self->by_use));
}

void
answer_cache_drop(answer_cache_t *self, const struct answer_key *key)
{
    answer_t *answer = zhashx_lookup(self->by_key, key);

    if (answer)
        forget(self, answer);
}

size_t
answer_cache_bytes(const answer_cache_t *self)
{
    return self->bytes;
}
