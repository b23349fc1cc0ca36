/* bus - every event, in order, for those who pass them on.
 *
 * Events have numbers without gaps (migrations/functions/events.sql). A reader is told each one
 * once and in order, from a little before the last at its start; what a returning client has
 * missed before that is read with bus_replay. Where they come from is the setting events.bus:
 *
 *   postgres  the table `events`; a notification says that there are more. Survives restarts.
 *   redis     a Redis stream that the publisher fills from that table, with the same numbers.
 *   memory    nowhere else: this process takes them out of the outbox itself and numbers them
 *             from the time of its start. For one bridge; a restart forgets them.
 *
 * Nothing blocks. While the server is away nothing is told; then all that was missed.
 */
#ifndef ACTORS_KIT_BUS_BUS_H
#define ACTORS_KIT_BUS_BUS_H

#include "actors/kit/bus/topics.h"
#include "actors/kit/runtime/loop.h"
#include "actors/kit/runtime/metrics.h"
#include "actors/kit/runtime/settings.h"

typedef struct bus bus_t;

/* Texts are borrowed and end with the call. */
struct bus_event {
    int64_t id;
    const char *topic;
    tm_uuid_t workspace;
    const char *text; /* JSON: {"id","topic","workspace_id","timestamp","payload"} */
};

struct bus_reader {
    void *arg;
    void (*on_event)(void *arg, const struct bus_event *event);
    void (*on_batch)(void *arg); /* behind the last of those that came together */
    /* The numbers go on behind `last`; what lay between is lost, or was of another time. Also
     * said at first, before any event; those up to `live` had happened before. */
    void (*on_start)(void *arg, int64_t last, int64_t live);
};

/* Of bus_replay: `count` events behind the number asked for. `oldest` is the first that is
 * kept: if the one wanted is before it, or behind `last`, it is not known. err: the server is
 * away. */
struct bus_page {
    tm_err_t err;
    int64_t oldest, last;
    const struct bus_event *events;
    size_t count;
};
typedef void bus_page_fn(void *arg, const struct bus_page *page);

/* NULL: a setting is wrong, and it was logged which. */
bus_t *bus_new(loop_t *loop, const settings_t *settings, meters_t *metrics,
               const struct bus_reader *reader);
void bus_destroy(bus_t **self_p); /* pages that are asked for end with TM_STORE_DOWN */
void bus_replay(bus_t *self, int64_t after, size_t limit, bus_page_fn *fn, void *arg);

/* For the three kinds alone. */
struct bus_type {
    const char *name;
    void *(*open)(bus_t *bus); /* NULL: cannot */
    void (*close)(void **state_p);
    void (*replay)(void *state, int64_t after, size_t limit, bus_page_fn *fn, void *arg);
};
extern const struct bus_type bus_postgres, bus_redis, bus_memory;

loop_t *bus_loop(const bus_t *self);
const settings_t *bus_settings(const bus_t *self);
meters_t *bus_metrics(const bus_t *self);
int64_t bus_last(const bus_t *self); /* told so far; -1: not started */
void bus_start(bus_t *self, int64_t last, int64_t live);
void bus_tell(bus_t *self, const struct bus_event *event); /* those already told are skipped */
void bus_batch(bus_t *self);

#endif
