#include "actors/kit/pg/pg_inner.h"

#include <string.h>

/* The server's binary form: dimensions (1, or 0 if empty), has-null, element type, size, lower
 * bound, then each element with its length. */

struct pg_array {
    unsigned oid;
    size_t count;
    bool has_null;
    struct pg_buffer elements;
};

pg_array_t *
pg_array_new(unsigned oid)
{
    pg_array_t *self = zmalloc(sizeof(*self));

    self->oid = oid;
    return self;
}

void
pg_array_destroy(pg_array_t **self_p)
{
    pg_array_t *self = *self_p;

    if (!self)
        return;
    pg_buffer_fini(&self->elements);
    free(self);
    *self_p = NULL;
}

void
pg_array_null(pg_array_t *self)
{
    pg_buffer_add_be(&self->elements, UINT32_MAX, 4);
    self->has_null = true;
    self->count++;
}

void
pg_array_bytes(pg_array_t *self, const void *data, size_t size)
{
    pg_buffer_add_be(&self->elements, size, 4);
    pg_buffer_add(&self->elements, data, size);
    self->count++;
}

static size_t
width(unsigned oid)
{
    return oid == PG_BOOL ? 1 : oid == PG_INT4 ? 4 : 8;
}

void
pg_array_i64(pg_array_t *self, int64_t value)
{
    size_t bytes = width(self->oid);

    pg_buffer_add_be(&self->elements, bytes, 4);
    pg_buffer_add_be(&self->elements, bytes == 1 ? value != 0 : (uint64_t)value, bytes);
    self->count++;
}

void
pg_array_f64(pg_array_t *self, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    pg_buffer_add_be(&self->elements, 8, 4);
    pg_buffer_add_be(&self->elements, bits, 8);
    self->count++;
}

void
pg_array(pg_unit_t *unit, pg_array_t **array_p)
{
    pg_array_t *array = *array_p;
    struct pg_buffer out = {0};

    pg_buffer_add_be(&out, array->count ? 1 : 0, 4);
    pg_buffer_add_be(&out, array->has_null, 4);
    pg_buffer_add_be(&out, array->oid, 4);
    if (array->count) {
        pg_buffer_add_be(&out, array->count, 4);
        pg_buffer_add_be(&out, 1, 4);
        pg_buffer_add(&out, array->elements.data, array->elements.size);
    }
    pg_bytes(unit, out.data, out.size);
    pg_buffer_fini(&out);
    pg_array_destroy(array_p);
}
