/* point_set - the points of a space that a tune has come to, so that it tries none twice. */
#ifndef ENGINE_POINT_SET_H
#define ENGINE_POINT_SET_H

#include <stdbool.h>
#include <stdint.h>

typedef struct point_set point_set_t;

point_set_t *point_set_new(uint64_t capacity); /* NULL: no memory; 16 to 32 bytes a point */
void point_set_destroy(point_set_t **self_p);

/* The key of a point (search.h). False: it was there. At most `capacity` are added. */
bool point_set_add(point_set_t *self, uint64_t key);

#endif
