#include "broker/core.h"

/* Those who want to hear of one job: producers, each once. */
typedef struct {
    tm_uuid_t job;
    peer_id_t *peers;
    size_t count, limit;
} watch_t;

static watch_t *
watch_of(broker_t *self, const tm_uuid_t *job)
{
    watch_t *watch = uuid_map_get(self->watches, job);

    if (watch)
        return watch;
    watch = zmalloc(sizeof(*watch));
    watch->job = *job;
    uuid_map_put(self->watches, watch);
    return watch;
}

static void
end_watch(broker_t *self, watch_t *watch)
{
    uuid_map_remove(self->watches, &watch->job);
    free(watch->peers);
    free(watch);
}

void
subscriptions_fini(broker_t *self)
{
    watch_t *watch;

    for (size_t at = 0; (watch = uuid_map_next(self->watches, &at));) {
        free(watch->peers);
        free(watch);
    }
    uuid_map_destroy(&self->watches);
}

tm_err_t
subscriptions_add(broker_t *self, const tm_uuid_t *job, peer_id_t id)
{
    peer_t *peer = peers_find(&self->peers, id);
    watch_t *watch;

    if (!peer)
        return TM_OK; /* gone before its job was durable: nobody to tell */
    if (self->watch_count >= (size_t)self->context.settings->broker_max_pending)
        return TM_BUSY;
    watch = watch_of(self, job);
    for (size_t i = 0; i < watch->count; i++)
        if (watch->peers[i] == id)
            return TM_OK;
    if (watch->count == watch->limit) {
        watch->limit = watch->limit ? 2 * watch->limit : 1;
        watch->peers = tm_grown(watch->peers, watch->limit * sizeof(*watch->peers));
    }
    watch->peers[watch->count++] = id;
    peer->subscriptions++;
    self->watch_count++;
    return TM_OK;
}

bool
subscriptions_has(const broker_t *self, const tm_uuid_t *job)
{
    return uuid_map_get(self->watches, job) != NULL;
}

void
subscriptions_progress(broker_t *self, const tm_msg_t *progress)
{
    watch_t *watch = uuid_map_get(self->watches, &progress->progress.job);

    for (size_t i = 0; watch && i < watch->count; i++)
        peers_send(&self->peers, watch->peers[i], progress);
}

void
subscriptions_result(broker_t *self, const tm_uuid_t *job, const char *state, const char *code,
                     const char *detail, tm_str_t body)
{
    watch_t *watch = uuid_map_get(self->watches, job);
    tm_msg_t msg = {.type = TM_MSG_RESULT, .body = body};
    char code_text[TM_NAME_MAX], detail_text[TM_DETAIL_MAX];

    if (!watch)
        return;
    msg.result.job = *job;
    msg.result.state = tm_str(state);
    msg.result.code = tm_text_clean(code, code_text, sizeof(code_text));
    msg.result.has_code = code != NULL;
    msg.result.detail = tm_text_clean(detail, detail_text, sizeof(detail_text));
    msg.result.has_detail = detail != NULL;
    for (size_t i = 0; i < watch->count; i++) {
        peer_t *peer = peers_find(&self->peers, watch->peers[i]);
        if (peer)
            peer->subscriptions--;
        peers_send(&self->peers, watch->peers[i], &msg);
    }
    self->watch_count -= watch->count;
    end_watch(self, watch);
}

/* A job may run at another broker, which tells only its own watchers: what this broker does not
 * lease is looked up, a few each second, until it is over. */
void
subscriptions_check(broker_t *self)
{
    enum { A_FEW = 100 };
    size_t looked = 0;
    watch_t *watch;

    while (looked < A_FEW && (watch = uuid_map_next(self->watches, &self->watch_at))) {
        if (dispatch_lease(self, &watch->job))
            continue;
        store_lookup_state(self, &watch->job, 0, 0);
        looked++;
    }
    if (looked < A_FEW)
        self->watch_at = 0;
}

static void
remove_peer(broker_t *self, watch_t *watch, peer_id_t peer)
{
    for (size_t i = 0; i < watch->count; i++) {
        if (watch->peers[i] != peer)
            continue;
        watch->peers[i] = watch->peers[--watch->count];
        self->watch_count--;
        return;
    }
}

void
subscriptions_peer_gone(broker_t *self, peer_id_t peer)
{
    zlistx_t *empty = zlistx_new();
    watch_t *watch;

    for (size_t at = 0; (watch = uuid_map_next(self->watches, &at));) {
        remove_peer(self, watch, peer);
        if (watch->count == 0)
            zlistx_add_end(empty, watch);
    }
    while ((watch = zlistx_detach(empty, NULL)))
        end_watch(self, watch);
    zlistx_destroy(&empty);
}
