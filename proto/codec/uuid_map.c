/* Open addressing with linear probing. Removing moves later items of the same run back, so that
 * there are no graves and a look-up stops at the first free slot. */
#include "proto/codec/uuid_map.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { SLOTS_MIN = 64 };

struct uuid_map {
    void **slots;
    size_t mask, count, id_at;
    uint64_t key[2];
};

uuid_map_t *
uuid_map_new(size_t id_at)
{
    uuid_map_t *self = zmalloc(sizeof *self);

    self->slots = zmalloc(SLOTS_MIN * sizeof *self->slots);
    self->mask = SLOTS_MIN - 1;
    self->id_at = id_at;
    if (getrandom(self->key, sizeof self->key, 0) != (ssize_t)sizeof self->key)
        self->key[0] = (uint64_t)(uintptr_t)self; /* early at boot: better than nothing */
    return self;
}

void
uuid_map_destroy(uuid_map_t **self_p)
{
    if (!*self_p)
        return;
    free((*self_p)->slots);
    free(*self_p);
    *self_p = NULL;
}

void
uuid_map_end(uuid_map_t **self_p, void (*free_item)(void *item))
{
    void *item;

    for (size_t at = 0; *self_p && (item = uuid_map_next(*self_p, &at));)
        free_item(item);
    uuid_map_destroy(self_p);
}

static const tm_uuid_t *
id_of(const uuid_map_t *self, const void *item)
{
    return (const tm_uuid_t *)((const char *)item + self->id_at);
}

static size_t
home_of(const uuid_map_t *self, const tm_uuid_t *id)
{
    uint64_t halves[2];

    memcpy(halves, id->bytes, sizeof halves);
    __uint128_t product = (__uint128_t)(halves[0] ^ self->key[0]) *
                          (halves[1] ^ self->key[1] ^ 0x9e3779b97f4a7c15);
    return (size_t)((uint64_t)product ^ (uint64_t)(product >> 64)) & self->mask;
}

/* Where the id is, or the free slot where it would be. */
static size_t
find(const uuid_map_t *self, const tm_uuid_t *id)
{
    size_t at = home_of(self, id);

    while (self->slots[at] && memcmp(id_of(self, self->slots[at]), id, sizeof *id) != 0)
        at = (at + 1) & self->mask;
    return at;
}

void *
uuid_map_get(const uuid_map_t *self, const tm_uuid_t *id)
{
    return self->slots[find(self, id)];
}

static void
grow(uuid_map_t *self)
{
    void **old = self->slots;
    size_t old_size = self->mask + 1;

    self->slots = zmalloc(2 * old_size * sizeof *self->slots);
    self->mask = 2 * old_size - 1;
    for (size_t i = 0; i < old_size; i++)
        if (old[i])
            self->slots[find(self, id_of(self, old[i]))] = old[i];
    free(old);
}

void
uuid_map_put(uuid_map_t *self, void *item)
{
    if (++self->count * 2 > self->mask)
        grow(self);
    self->slots[find(self, id_of(self, item))] = item;
}

void
uuid_map_remove(uuid_map_t *self, const tm_uuid_t *id)
{
    size_t hole = find(self, id);

    if (!self->slots[hole])
        return;
    self->count--;
    self->slots[hole] = NULL;
    for (size_t at = (hole + 1) & self->mask; self->slots[at]; at = (at + 1) & self->mask) {
        size_t home = home_of(self, id_of(self, self->slots[at]));
        if (((at - home) & self->mask) < ((at - hole) & self->mask))
            continue; /* it stands between the hole and its home */
        self->slots[hole] = self->slots[at];
        self->slots[at] = NULL;
        hole = at;
    }
}

size_t
uuid_map_size(const uuid_map_t *self)
{
    return self->count;
}

void *
uuid_map_next(const uuid_map_t *self, size_t *at)
{
    while (*at <= self->mask) {
        void *item = self->slots[(*at)++];
        if (item)
            return item;
    }
    return NULL;
}
