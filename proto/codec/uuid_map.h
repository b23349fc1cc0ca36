/* uuid_map - items found by a tm_uuid_t inside them.
 *
 * Holds addresses and owns nothing. No memory is taken or given back but when it grows. The
 * hash is keyed by chance at start, so that ids chosen by a peer cannot be made to collide.
 *
 * Shared with the broker; not installed.
 */
#ifndef PROTO_CODEC_UUID_MAP_H
#define PROTO_CODEC_UUID_MAP_H

#include "proto/message.h"

typedef struct uuid_map uuid_map_t;

uuid_map_t *uuid_map_new(size_t id_at); /* offsetof(item type, its id) */
void uuid_map_destroy(uuid_map_t **self_p);
void uuid_map_end(uuid_map_t **self_p, void (*free_item)(void *item)); /* with its items */
void *uuid_map_get(const uuid_map_t *self, const tm_uuid_t *id);       /* NULL: not there */
void uuid_map_put(uuid_map_t *self, void *item); /* its id must not be there yet */
void uuid_map_remove(uuid_map_t *self, const tm_uuid_t *id);
size_t uuid_map_size(const uuid_map_t *self);

/* Walks all items: `for (size_t at = 0; (item = uuid_map_next(map, &at));)`. Nothing may be put
 * or removed on the way. */
void *uuid_map_next(const uuid_map_t *self, size_t *at);

#endif
