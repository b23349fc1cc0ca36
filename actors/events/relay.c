#include "actors/events/relay.h"

#include <string.h>

#include "actors/kit/bus/redis_entries.h"
#include "actors/kit/bus/redis_link.h"
#include "actors/kit/runtime/log.h"

enum { FETCH = 500 };

struct relay {
    const settings_t *settings;
    pg_t *pg;
    redis_link_t *redis;
    int64_t last; /* that Redis has; -1: not known */
    bool is_busy, is_due;
    size_t unanswered; /* XADDs */
    bool is_wrong;     /* one of them was refused for another reason */
    bool is_more;      /* the page was full */
};

static void
ended(relay_t *self, bool is_more)
{
    bool is_due = self->is_due || is_more;

    self->is_busy = self->is_due = false;
    if (is_due)
        relay_look(self);
}

static void
on_added(void *arg, const redisReply *reply)
{
    relay_t *self = arg;

    if (!reply)
        self->last = -1; /* how far it came is asked when it is back */
    else if (reply->type == REDIS_REPLY_ERROR && !strstr(reply->str, "equal or smaller"))
        self->is_wrong = true;
    if (--self->unanswered > 0)
        return;
    if (self->is_wrong)
        log_warn("relay.refused", "what=\"Redis does not take events into events.redis_key\"");
    if (self->is_wrong)
        self->last = -1;
    ended(self, self->last >= 0 && self->is_more);
}

static void
add(relay_t *self, const struct bus_event *event)
{
    char workspace[TM_UUID_TEXT];

    self->last = event->id;
    redis_link_ask(self->redis, on_added, self,
                   "XADD %s MAXLEN ~ %lld %lld-0 topic %s workspace %s text %s",
                   self->settings->events_redis_key, (long long)self->settings->events_keep,
                   (long long)event->id, event->topic,
                   tm_uuid_text(&event->workspace, workspace), event->text);
}

/* Redis has more than the table: it is of another database. */
static void
start_over(relay_t *self)
{
    log_warn("relay.start_over", "last=%lld what=\"Redis holds events of another database\"",
             (long long)self->last);
    redis_link_ask(self->redis, NULL, NULL, "DEL %s", self->settings->events_redis_key);
    self->last = -1;
    ended(self, true);
}

static void
on_rows(void *arg, const struct pg_outcome *outcome)
{
    relay_t *self = arg;
    int rows = outcome->err ? 0 : PQntuples(outcome->results[1]);

    if (!outcome->err && pg_get_i64(outcome->results[0], 0, 1) < self->last) {
        start_over(self);
        return;
    }
    if (rows == 0) {
        ended(self, false);
        return;
    }
    self->is_wrong = false;
    self->is_more = rows == FETCH;
    self->unanswered = (size_t)rows;
    for (int row = 0; row < rows; row++) {
        struct bus_event event = event_row(outcome->results[1], row);
        add(self, &event);
    }
}

static void
on_last(void *arg, const redisReply *reply)
{
    relay_t *self = arg;

    if (!reply || reply->type == REDIS_REPLY_ERROR) {
        ended(self, false);
        return;
    }
    self->last = redis_last(reply) < 0 ? 0 : redis_last(reply);
    events_after(self->pg, self->last, FETCH, on_rows, self);
}

void
relay_look(relay_t *self)
{
    if (self->is_busy || !redis_link_is_up(self->redis)) {
        self->is_due = self->is_busy;
        return;
    }
    self->is_busy = true;
    if (self->last < 0)
        redis_link_ask(self->redis, on_last, self, "XREVRANGE %s + - COUNT 1",
                       self->settings->events_redis_key);
    else
        events_after(self->pg, self->last, FETCH, on_rows, self);
}

static void
on_up(void *arg)
{
    relay_t *self = arg;

    self->last = -1; /* it may be another server, or an emptied one */
    relay_look(self);
}

relay_t *
relay_new(loop_t *loop, const settings_t *settings, pg_t *pg)
{
    relay_t *self = zmalloc(sizeof(*self));

    *self = (relay_t){.settings = settings, .pg = pg, .last = -1};
    self->redis = redis_link_new(loop, settings->events_redis_url, on_up, self);
    if (self->redis)
        return self;
    free(self);
    return NULL;
}

void
relay_destroy(relay_t **self_p)
{
    relay_t *self = *self_p;

    if (!self)
        return;
    self->is_busy = true;
    redis_link_destroy(&self->redis);
    free(self);
    *self_p = NULL;
}
