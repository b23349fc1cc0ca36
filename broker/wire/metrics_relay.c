#include "broker/wire/metrics_relay.h"

#include "actors/kit/util/clock.h"

enum { REPORT_MS = 2000, WATCH_MS = 60000, WATCHERS_MOST = 64 };

static void
add_watcher(metrics_relay_t *self, peer_id_t id)
{
    struct watcher *free_one = NULL;

    for (size_t i = 0; i < WATCHERS_MOST; i++) {
        struct watcher *one = &self->watchers[i];
        if (one->peer == id || one->until_ms <= self->context->now_ms)
            free_one = one;
        if (one->peer == id)
            break;
    }
    if (free_one)
        *free_one = (struct watcher){id, self->context->now_ms + WATCH_MS};
    else
        log_warn("metrics.watchers", "what=\"%d watch already; one more is not told\"",
                 WATCHERS_MOST);
}

static void
send_to_watchers(metrics_relay_t *self, const tm_msg_t *msg, peer_id_t but)
{
    tm_msg_t out = *msg;

    out.metrics.has_watch = false;
    for (size_t i = 0; i < WATCHERS_MOST; i++)
        if (self->watchers[i].until_ms > self->context->now_ms && self->watchers[i].peer != but)
            peers_send(self->peers, self->watchers[i].peer, &out);
}

tm_err_t
metrics_relay_pass(const delivery_t *in)
{
    const peer_t *from = in->peer;

    if (in->msg->metrics.has_watch && in->msg->metrics.watch)
        add_watcher(in->self, from->id);
    send_to_watchers(in->self, in->msg, from->id);
    return TM_OK;
}

/* The broker's own. */
static void
on_report_timer(void *arg)
{
    metrics_relay_t *self = arg;
    tm_msg_t msg = {.type = TM_MSG_METRICS};
    size_t size = 0;
    char *text = meters_render(self->context->metrics, &size);

    if (!text)
        return;
    self->context->now_ms = clock_ms();
    msg.metrics.actor = tm_str(meters_actor(self->context->metrics));
    msg.metrics.instance = tm_str(meters_instance(self->context->metrics));
    msg.metrics.seq = ++self->reports;
    msg.body = (tm_str_t){text, size};
    send_to_watchers(self, &msg, 0);
    free(text);
}

void
metrics_relay_init(metrics_relay_t *self)
{
    self->watchers = zmalloc(WATCHERS_MOST * sizeof(*self->watchers));
    loop_timer(self->context->loop, REPORT_MS, true, on_report_timer, self);
}

void
metrics_relay_fini(metrics_relay_t *self)
{
    free(self->watchers);
}
