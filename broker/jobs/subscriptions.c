#include "broker/jobs/subscriptions.h"

#include "actors/kit/util/memory.h"

/* The producers that want to hear of one job, each once. */
typedef struct {
    tm_uuid_t job;
    peer_id_t *peers;
    size_t count, limit;
} subscription_t;

static subscription_t *
subscription_of(subscriptions_t *self, const tm_uuid_t *job)
{
    subscription_t *sub = uuid_map_get(self->by_job, job);

    if (sub)
        return sub;
    sub = zmalloc(sizeof(*sub));
    sub->job = *job;
    uuid_map_put(self->by_job, sub);
    return sub;
}

static void
free_subscription(void *item)
{
    subscription_t *sub = item;

    free(sub->peers);
    free(sub);
}

static void
end_subscription(subscriptions_t *self, subscription_t *sub)
{
    uuid_map_remove(self->by_job, &sub->job);
    free_subscription(sub);
}

void
subscriptions_init(subscriptions_t *self)
{
    self->by_job = uuid_map_new(offsetof(subscription_t, job));
}

void
subscriptions_fini(subscriptions_t *self)
{
    uuid_map_end(&self->by_job, free_subscription);
}

tm_err_t
subscriptions_add(subscriptions_t *self, const tm_uuid_t *job, peer_id_t id)
{
    peer_t *peer = peers_find(self->peers, id);
    subscription_t *sub;

    if (!peer)
        return TM_OK; /* gone before its job was durable: nobody to tell */
    if (self->count >= (size_t)self->context->settings->broker_max_pending)
        return TM_BUSY;
    sub = subscription_of(self, job);
    for (size_t i = 0; i < sub->count; i++)
        if (sub->peers[i] == id)
            return TM_OK;
    if (sub->count == sub->limit) {
        sub->limit = sub->limit ? 2 * sub->limit : 1;
        sub->peers = tm_grown(sub->peers, sub->limit * sizeof(*sub->peers));
    }
    sub->peers[sub->count++] = id;
    peer->subscriptions++;
    self->count++;
    return TM_OK;
}

bool
subscriptions_has(const subscriptions_t *self, const tm_uuid_t *job)
{
    return uuid_map_get(self->by_job, job) != NULL;
}

void
subscriptions_progress(subscriptions_t *self, const tm_msg_t *progress)
{
    subscription_t *sub = uuid_map_get(self->by_job, &progress->progress.job);

    for (size_t i = 0; sub && i < sub->count; i++)
        peers_send(self->peers, sub->peers[i], progress);
}

void
subscriptions_result(subscriptions_t *self, const tm_uuid_t *job, const char *state,
                     const char *code, const char *detail, tm_str_t body)
{
    subscription_t *sub = uuid_map_get(self->by_job, job);
    tm_msg_t msg = {.type = TM_MSG_RESULT, .body = body};
    char code_text[TM_NAME_MAX], detail_text[TM_DETAIL_MAX];

    if (!sub)
        return;
    msg.result.job = *job;
    msg.result.state = tm_str(state);
    msg.result.code = tm_text_clean(code, code_text, sizeof(code_text));
    msg.result.has_code = code != NULL;
    msg.result.detail = tm_text_clean(detail, detail_text, sizeof(detail_text));
    msg.result.has_detail = detail != NULL;
    for (size_t i = 0; i < sub->count; i++) {
        peer_t *peer = peers_find(self->peers, sub->peers[i]);
        if (peer)
            peer->subscriptions--;
        peers_send(self->peers, sub->peers[i], &msg);
    }
    self->count -= sub->count;
    end_subscription(self, sub);
}

const tm_uuid_t *
subscriptions_next(const subscriptions_t *self, size_t *at)
{
    const subscription_t *sub = uuid_map_next(self->by_job, at);

    return sub ? &sub->job : NULL;
}

static void
remove_subscriber(subscriptions_t *self, subscription_t *sub, peer_id_t peer)
{
    for (size_t i = 0; i < sub->count; i++) {
        if (sub->peers[i] != peer)
            continue;
        sub->peers[i] = sub->peers[--sub->count];
        self->count--;
        return;
    }
}

void
subscriptions_peer_gone(subscriptions_t *self, peer_id_t peer)
{
    zlistx_t *empty = zlistx_new();
    subscription_t *sub;

    for (size_t at = 0; (sub = uuid_map_next(self->by_job, &at));) {
        remove_subscriber(self, sub, peer);
        if (sub->count == 0)
            zlistx_add_end(empty, sub);
    }
    while ((sub = zlistx_detach(empty, NULL)))
        end_subscription(self, sub);
    zlistx_destroy(&empty);
}
