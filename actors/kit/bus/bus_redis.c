/* A Redis stream whose entries have the events' own numbers: "123-0" is event 123. The
 * publisher fills it from the table (relay.c); this end follows it with XREAD. */
#include <string.h>

#include "actors/kit/bus/bus.h"
#include "actors/kit/bus/redis_entries.h"
#include "actors/kit/bus/redis_link.h"
#include "actors/kit/runtime/log.h"

enum { FETCH = 500, BLOCK_MS = 10000 };

typedef struct {
    bus_t *bus;
    redis_link_t *follow, *pages; /* one waits for what comes, the other for nothing */
} redis_t;

static void follow(redis_t *self);

static void
tell(redis_t *self, const redisReply *entries)
{
    for (size_t i = 0; i < entries->elements; i++) {
        struct bus_event event;

        if (redis_entry(entries->element[i], &event))
            bus_tell(self->bus, &event);
    }
    bus_batch(self->bus);
}

/* Where the stream stands: it may be another one than we knew. */
static void
on_last(void *arg, const redisReply *reply)
{
    redis_t *self = arg;
    int64_t last;

    if (!reply)
        return; /* on_up comes again */
    last = redis_last(reply);
    if (bus_last(self->bus) < 0) {
        int64_t from = last - bus_settings(self->bus)->events_buffer;
        bus_start(self->bus, from < 0 ? 0 : from, last);
    } else if (last >= 0 && last < bus_last(self->bus)) {
        bus_start(self->bus, last, last);
    }
    follow(self);
}

static void
look(redis_t *self)
{
    redis_link_ask(self->follow, on_last, self, "XREVRANGE %s + - COUNT 1",
                   bus_settings(self->bus)->events_redis_key);
}

static void
on_more(void *arg, const redisReply *reply)
{
    redis_t *self = arg;

    if (!reply)
        return;
    if (reply->type == REDIS_REPLY_ERROR)
        log_warn("redis.read_failed", "what=\"events.redis_key is not a stream\"");
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 1 ||
        reply->element[0]->elements != 2) {
        look(self); /* nothing came: see whether it is still the same stream */
        return;
    }
    tell(self, reply->element[0]->element[1]);
    follow(self);
}

static void
follow(redis_t *self)
{
    redis_link_ask(self->follow, on_more, self, "XREAD COUNT %d BLOCK %d STREAMS %s %lld-0",
                   FETCH, BLOCK_MS, bus_settings(self->bus)->events_redis_key,
                   (long long)bus_last(self->bus));
}

static void
on_follow_up(void *arg)
{
    look(arg);
}

static void
on_pages_up(void *arg)
{
    (void)arg;
}

static void
redis_close(void **state_p)
{
    redis_t *self = *state_p;

    redis_link_destroy(&self->follow);
    redis_link_destroy(&self->pages);
    free(self);
    *state_p = NULL;
}

static void *
redis_open(bus_t *bus)
{
    redis_t *self = zmalloc(sizeof(*self));
    const char *url = bus_settings(bus)->events_redis_url;
    void *state = self;

    self->bus = bus;
    self->follow = redis_link_new(bus_loop(bus), url, on_follow_up, self);
    self->pages = redis_link_new(bus_loop(bus), url, on_pages_up, self);
    if (!self->follow || !self->pages) {
        log_error("events.bad_redis_url",
                  "what=\"events.redis_url is redis://[:PASSWORD@]HOST[:PORT][/DATABASE] or "
                  "unix:///PATH\"");
        redis_close(&state);
        return NULL;
    }
    return self;
}

/* Three questions in one: the oldest, the last, and the page between. */
typedef struct {
    bus_page_fn *fn;
    void *arg;
    int64_t oldest, last;
} page_t;

static void
on_page_rows(void *arg, const redisReply *reply)
{
    page_t *page = arg;
    struct bus_page answer = {.oldest = page->oldest, .last = page->last};
    struct bus_event *events = NULL;

    if (!reply || reply->type != REDIS_REPLY_ARRAY) {
        answer = (struct bus_page){.err = TM_STORE_DOWN};
    } else {
        events = zmalloc((reply->elements + 1) * sizeof(*events));
        for (size_t i = 0; i < reply->elements; i++)
            answer.count += redis_entry(reply->element[i], &events[answer.count]);
    }
    if (page->oldest > page->last) /* it is empty: whoever has seen the last has seen all */
        answer.oldest = page->last + 1;
    answer.events = events;
    page->fn(page->arg, &answer);
    free(events);
    free(page);
}

static void
on_page_oldest(void *arg, const redisReply *reply)
{
    page_t *page = arg;

    page->oldest = reply ? redis_last(reply) : 0;
    if (page->oldest < 0)
        page->oldest = INT64_MAX;
}

static void
on_page_last(void *arg, const redisReply *reply)
{
    page_t *page = arg;

    page->last = reply ? redis_last(reply) : 0;
    if (page->last < 0)
        page->last = 0;
}

static void
redis_replay(void *state, int64_t after, size_t limit, bus_page_fn *fn, void *arg)
{
    redis_t *self = state;
    const char *key = bus_settings(self->bus)->events_redis_key;
    page_t *page = zmalloc(sizeof(*page));

    *page = (page_t){.fn = fn, .arg = arg};
    redis_link_ask(self->pages, on_page_oldest, page, "XRANGE %s - + COUNT 1", key);
    redis_link_ask(self->pages, on_page_last, page, "XREVRANGE %s + - COUNT 1", key);
    redis_link_ask(self->pages, on_page_rows, page, "XRANGE %s %lld-0 + COUNT %d", key,
                   (long long)after + 1, (int)limit);
}

const struct bus_type bus_redis = {"redis", redis_open, redis_close, redis_replay};
