#include "broker/core.h"

#include <string.h>

/* Those who want to hear of one job: producers, each once. */
typedef struct {
    tm_uuid_t job;
    zlistx_t *peers; /* of zframe_t, owned */
} watch_t;

static void
destroy_frame(void **item_p)
{
    zframe_destroy((zframe_t **)item_p);
}

static void
watch_destroy(void **item_p)
{
    watch_t *self = *item_p;

    zlistx_destroy(&self->peers);
    free(self);
    *item_p = NULL;
}

static watch_t *
watch_of(broker_t *self, const tm_uuid_t *job)
{
    watch_t *watch = zhashx_lookup(self->watches, job);

    if (watch)
        return watch;
    watch = zmalloc(sizeof(*watch));
    watch->job = *job;
    watch->peers = zlistx_new();
    zlistx_set_destructor(watch->peers, destroy_frame);
    zhashx_set_destructor(self->watches, watch_destroy);
    zhashx_insert(self->watches, &watch->job, watch);
    return watch;
}

tm_err_t
audience_add(broker_t *self, const tm_uuid_t *job, zframe_t *peer)
{
    watch_t *watch;

    if (self->watch_count >= (size_t)self->settings->broker_max_pending)
        return TM_BUSY;
    watch = watch_of(self, job);
    for (zframe_t *known = zlistx_first(watch->peers); known; known = zlistx_next(watch->peers))
        if (zframe_eq(known, peer))
            return TM_OK;
    zlistx_add_end(watch->peers, zframe_dup(peer));
    self->watch_count++;
    return TM_OK;
}

bool
audience_has(const broker_t *self, const tm_uuid_t *job)
{
    return zhashx_lookup(self->watches, job) != NULL;
}

void
audience_progress(broker_t *self, const tm_msg_t *progress)
{
    watch_t *watch = zhashx_lookup(self->watches, &progress->progress.job);

    if (!watch)
        return;
    for (zframe_t *peer = zlistx_first(watch->peers); peer; peer = zlistx_next(watch->peers))
        peers_send(self, peer, progress);
}

void
audience_result(broker_t *self, const tm_uuid_t *job, const char *state, const char *code,
                const char *detail, tm_str_t body)
{
    watch_t *watch = zhashx_lookup(self->watches, job);
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
    for (zframe_t *peer = zlistx_first(watch->peers); peer; peer = zlistx_next(watch->peers))
        peers_send(self, peer, &msg);
    self->watch_count -= zlistx_size(watch->peers);
    zhashx_delete(self->watches, job);
}

static void
remove_peer(broker_t *self, watch_t *watch, const zframe_t *peer)
{
    for (zframe_t *known = zlistx_first(watch->peers); known;
         known = zlistx_next(watch->peers)) {
        if (!zframe_eq(known, (zframe_t *)(uintptr_t)peer))
            continue;
        zlistx_delete(watch->peers, zlistx_cursor(watch->peers));
        self->watch_count--;
        return;
    }
}

void
audience_peer_gone(broker_t *self, const zframe_t *peer)
{
    zlistx_t *empty = zlistx_new();
    watch_t *watch;

    for (watch = zhashx_first(self->watches); watch; watch = zhashx_next(self->watches)) {
        remove_peer(self, watch, peer);
        if (zlistx_size(watch->peers) == 0)
            zlistx_add_end(empty, watch);
    }
    while ((watch = zlistx_detach(empty, NULL)))
        zhashx_delete(self->watches, &watch->job);
    zlistx_destroy(&empty);
}
