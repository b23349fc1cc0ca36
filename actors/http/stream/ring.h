/* ring - the last events, as the text that every stream is sent; written once, read by all.
 *
 * Entries have places that only grow: [tail, head). A stream keeps the place it has reached;
 * when that is before the tail it was too slow. Bounded in events and in bytes; the numbers of
 * the events in it have no gaps.
 */
#ifndef ACTORS_HTTP_STREAM_RING_H
#define ACTORS_HTTP_STREAM_RING_H

#include <sys/uio.h>

#include "actors/kit/bus/bus.h"

typedef struct ring ring_t;

/* Which events a stream is sent. */
struct ring_filter {
    tm_uuid_t workspace;
    topics_t topics;
};

ring_t *ring_new(size_t events, size_t bytes);
void ring_destroy(ring_t **self_p);
void ring_add(ring_t *self, const struct bus_event *event);
void ring_clear(ring_t *self, int64_t last); /* the next number is behind `last` */

uint64_t ring_head(const ring_t *self); /* the place of the next one */
uint64_t ring_tail(const ring_t *self);
size_t ring_count(const ring_t *self);
int64_t ring_last(const ring_t *self); /* number of the last event, in it or not */
/* The place behind the event with this number. False: that is not in the ring any more. */
bool ring_find(const ring_t *self, int64_t id, uint64_t *ret_place);

/* What the filter lets through from `place` on, but for the first `skip` bytes of it. */
enum { RING_PIECES = 64 };
struct ring_slice {
    struct iovec pieces[RING_PIECES];
    int count;
    size_t size;
    uint64_t end; /* the place behind it, or behind what was skipped to its end */
};
void ring_slice(const ring_t *self, const struct ring_filter *filter, uint64_t place,
                size_t skip, struct ring_slice *ret);
/* How far `sent` bytes of such a slice reach: a place, and bytes of its event. */
void ring_advance(const ring_t *self, const struct ring_filter *filter, size_t sent,
                  uint64_t *place, size_t *skip);

#endif
