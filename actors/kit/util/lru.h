/* lru - a cache of items by their keys, the least recently used leaving first. One thread.
 *
 * An item is a struct of the caller's that begins with a struct lru_link and its key:
 *
 *     struct text { struct lru_link link; tm_uuid_t id; char *words; };
 *
 * Keys are key_size bytes each, and are compared as bytes: there must be no padding in them.
 */
#ifndef ACTORS_KIT_UTIL_LRU_H
#define ACTORS_KIT_UTIL_LRU_H

#include <stddef.h>

/* The cache's own. */
struct lru_link {
    struct lru_link *next; /* of the same bucket */
    void *handle;          /* in the order of use */
    size_t cost;
};

typedef struct lru lru_t;
typedef void lru_free_fn(void **item_p);

lru_t *lru_new(size_t key_size, size_t most_cost, lru_free_fn *fn);
void lru_destroy(lru_t **self_p);

/* NULL: it is not there. Else it has been used now, and is good until the next put or drop. */
void *lru_find(lru_t *self, const void *key);
/* Takes the item, in place of what its key had. Others leave until all costs are within
 * most_cost; this one stays, whatever it costs. */
void lru_put(lru_t *self, void *item, size_t cost);
void lru_drop(lru_t *self, const void *key);

#endif
