#include "actors/tune/engine/point_set.h"

#include <stdlib.h>

struct point_set {
    uint64_t mask;
    uint64_t slots[]; /* an open hash of keys plus one; 0: free */
};

point_set_t *
point_set_new(uint64_t capacity)
{
    uint64_t slots = 64;

    while (slots / 2 < capacity)
        slots *= 2;
    point_set_t *self = calloc(1, sizeof *self + slots * sizeof self->slots[0]);

    if (self)
        self->mask = slots - 1;
    return self;
}

void
point_set_destroy(point_set_t **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

bool
point_set_add(point_set_t *self, uint64_t key)
{
    /* the high bits of a product depend on all bits of the key */
    uint64_t slot = (key * UINT64_C(0x9e3779b97f4a7c15)) >> 20;

    for (; self->slots[slot & self->mask]; slot++)
        if (self->slots[slot & self->mask] == key + 1)
            return false;
    self->slots[slot & self->mask] = key + 1;
    return true;
}
