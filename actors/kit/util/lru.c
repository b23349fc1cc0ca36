#include "actors/kit/util/lru.h"

#include <czmq.h>

#include "actors/kit/util/hash.h"

enum { BUCKETS = 1024 };

struct lru {
    size_t key_size, most_cost, cost;
    zlistx_t *by_use; /* owns the items; the one used last is the last */
    struct lru_link *buckets[BUCKETS];
};

lru_t *
lru_new(size_t key_size, size_t most_cost, lru_free_fn *fn)
{
    lru_t *self = zmalloc(sizeof(*self));

    self->key_size = key_size;
    self->most_cost = most_cost;
    self->by_use = zlistx_new();
    zlistx_set_destructor(self->by_use, fn);
    return self;
}

void
lru_destroy(lru_t **self_p)
{
    if (*self_p)
        zlistx_destroy(&(*self_p)->by_use);
    free(*self_p);
    *self_p = NULL;
}

/* Where the item with this key hangs in its bucket, or would. */
static struct lru_link **
place_of(lru_t *self, const void *key)
{
    struct lru_link **at =
        &self->buckets[hash_bytes(HASH_BEGIN, key, self->key_size) % BUCKETS];

    while (*at && memcmp(*at + 1, key, self->key_size) != 0)
        at = &(*at)->next;
    return at;
}

void *
lru_find(lru_t *self, const void *key)
{
    struct lru_link *link = *place_of(self, key);

    if (link)
        zlistx_move_end(self->by_use, link->handle);
    return link;
}

void
lru_drop(lru_t *self, const void *key)
{
    struct lru_link **at = place_of(self, key), *link = *at;

    if (!link)
        return;
    *at = link->next;
    self->cost -= link->cost;
    zlistx_delete(self->by_use, link->handle);
}

void
lru_put(lru_t *self, void *item, size_t cost)
{
    struct lru_link *link = item, **at;

    lru_drop(self, link + 1);
    at = place_of(self, link + 1);
    *link = (struct lru_link){
        .next = *at, .handle = zlistx_add_end(self->by_use, item), .cost = cost};
    *at = link;
    self->cost += cost;
    while (self->cost > self->most_cost && zlistx_size(self->by_use) > 1)
        lru_drop(self, (struct lru_link *)zlistx_first(self->by_use) + 1);
}
