#include "actors/kit/util/single_flight.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/util/hash.h"
#include "actors/kit/util/memory.h"

enum { BUCKETS = 256 };

struct single_flight {
    size_t key_size, count;
    struct flight *buckets[BUCKETS]; /* of each the newest first */
};

single_flight_t *
single_flight_new(size_t key_size)
{
    single_flight_t *self = tm_grown(NULL, sizeof(*self));

    *self = (single_flight_t){.key_size = key_size};
    return self;
}

void
single_flight_destroy(single_flight_t **self_p)
{
    assert(!*self_p || (*self_p)->count == 0);
    free(*self_p);
    *self_p = NULL;
}

static size_t
bucket_of(const single_flight_t *self, const void *key)
{
    return hash_bytes(HASH_BEGIN, key, self->key_size) % BUCKETS;
}

struct flight *
single_flight_find(const single_flight_t *self, const void *key,
                   bool (*is_open)(const struct flight *flight, void *arg), void *arg)
{
    struct flight *flight = self->buckets[bucket_of(self, key)];

    for (; flight; flight = flight->next)
        if (memcmp(flight->key, key, self->key_size) == 0 && (!is_open || is_open(flight, arg)))
            break;
    return flight;
}

void
single_flight_begin(single_flight_t *self, struct flight *flight, const void *key)
{
    struct flight **bucket = &self->buckets[bucket_of(self, key)];

    flight->key = key;
    flight->previous = NULL;
    flight->next = *bucket;
    if (*bucket)
        (*bucket)->previous = flight;
    *bucket = flight;
    self->count++;
}

void
flight_join(struct flight *self, void *waiter)
{
    if (self->count == self->limit) {
        self->limit = self->limit ? 2 * self->limit : 4;
        self->waiters = tm_grown(self->waiters, self->limit * sizeof(self->waiters[0]));
    }
    self->waiters[self->count++] = waiter;
}

void
single_flight_end(single_flight_t *self, struct flight *flight,
                  void (*give)(void *waiter, void *arg), void *arg)
{
    if (flight->previous)
        flight->previous->next = flight->next;
    else
        self->buckets[bucket_of(self, flight->key)] = flight->next;
    if (flight->next)
        flight->next->previous = flight->previous;
    self->count--;
    for (size_t i = 0; give && i < flight->count; i++)
        give(flight->waiters[i], arg);
    free(flight->waiters);
    *flight = (struct flight){.waiters = NULL};
}

size_t
single_flight_count(const single_flight_t *self)
{
    return self->count;
}

struct flight *
single_flight_next(const single_flight_t *self, const struct flight *flight)
{
    size_t bucket = flight ? bucket_of(self, flight->key) + 1 : 0;

    if (flight && flight->next)
        return flight->next;
    while (bucket < BUCKETS && !self->buckets[bucket])
        bucket++;
    return bucket < BUCKETS ? self->buckets[bucket] : NULL;
}
