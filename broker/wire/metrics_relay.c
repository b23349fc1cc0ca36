#include "broker/core.h"

#include <string.h>

/* What the processes count is passed on to the peers that watch, and not kept: whoever comes
 * later hears the next report. */

enum { REPORT_MS = 2000, WATCH_MS = 60000, WATCHERS_MOST = 64 };

static void
watch(broker_t *self, peer_id_t id)
{
    struct watcher *free_one = NULL;

    for (size_t i = 0; i < WATCHERS_MOST; i++) {
        struct watcher *one = &self->watchers[i];
        if (one->peer == id || one->until_ms <= self->now_ms)
            free_one = one;
        if (one->peer == id)
            break;
    }
    if (free_one)
        *free_one = (struct watcher){id, self->now_ms + WATCH_MS};
    else
        log_warn("metrics.watchers", "what=\"%d watch already; one more is not told\"",
                 WATCHERS_MOST);
}

static void
tell(broker_t *self, const tm_msg_t *msg, peer_id_t but)
{
    tm_msg_t out = *msg;

    out.metrics.has_watch = false;
    for (size_t i = 0; i < WATCHERS_MOST; i++)
        if (self->watchers[i].until_ms > self->now_ms && self->watchers[i].peer != but)
            peers_send(self, self->watchers[i].peer, &out);
}

void
metrics_relay_pass(broker_t *self, const tm_msg_t *msg)
{
    if (msg->metrics.has_watch && msg->metrics.watch)
        watch(self, self->from->id);
    tell(self, msg, self->from->id);
}

/* The broker's own. */
static void
on_report_timer(void *arg)
{
    broker_t *self = arg;
    tm_msg_t msg = {.type = TM_MSG_METRICS};
    size_t size = 0;
    char *text = meters_render(self->metrics, &size);

    if (!text)
        return;
    self->now_ms = clock_ms();
    msg.metrics.actor = tm_str(meters_actor(self->metrics));
    msg.metrics.instance = tm_str(meters_instance(self->metrics));
    msg.metrics.seq = ++self->reports;
    msg.body = (tm_str_t){text, size};
    tell(self, &msg, 0);
    free(text);
}

void
metrics_relay_start(broker_t *self)
{
    self->watchers = zmalloc(WATCHERS_MOST * sizeof(*self->watchers));
    loop_timer(self->loop, REPORT_MS, true, on_report_timer, self);
}

void
metrics_relay_fini(broker_t *self)
{
    free(self->watchers);
}
