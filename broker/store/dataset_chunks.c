#include "broker/store/dataset_chunks.h"

#include <string.h>

enum { CHUNK_SIZE = 1 << 20, CHUNKS_WAITING = 64 };

typedef struct {
    dataset_chunks_t *owner;
    peer_id_t peer;
    uint64_t ref, size, offset;
    uint8_t sha256[32];
    bool query;
    zframe_t *body;
} chunk_t;

static void
destroy_chunk(void **item_p)
{
    chunk_t *self = *item_p;

    zframe_destroy(&self->body);
    free(self);
    *item_p = NULL;
}

void
dataset_chunks_init(dataset_chunks_t *self)
{
    self->waiting = zlistx_new();
    zlistx_set_destructor(self->waiting, destroy_chunk);
}

void
dataset_chunks_fini(dataset_chunks_t *self)
{
    zlistx_destroy(&self->waiting);
}

static tm_err_t
check_chunk(const struct tm_put *put, tm_str_t body)
{
    uint64_t left = put->offset < put->size ? put->size - put->offset : 0;

    if (put->sha256.size != 32 || put->size == 0)
        return TM_BAD_REQUEST;
    if (put->query)
        return body.size == 0 ? TM_OK : TM_BAD_REQUEST;
    if (put->offset % CHUNK_SIZE != 0 || left == 0)
        return TM_BAD_REQUEST;
    return body.size == (left < CHUNK_SIZE ? left : CHUNK_SIZE) ? TM_OK : TM_BAD_REQUEST;
}

static tm_err_t
add_chunk(dataset_chunks_t *self, peer_id_t from, const struct tm_put *put, tm_str_t body)
{
    tm_err_t err = check_chunk(put, body);
    chunk_t *item;

    if (err)
        return err;
    if (put->size > (uint64_t)self->context->settings->http_max_upload_mb * CHUNK_SIZE)
        return TM_FILE_TOO_LARGE;
    if (zlistx_size(self->waiting) >= CHUNKS_WAITING)
        return TM_BUSY;
    item = zmalloc(sizeof(*item));
    *item = (chunk_t){.owner = self,
                      .peer = from,
                      .ref = put->ref,
                      .size = put->size,
                      .offset = put->offset,
                      .query = put->query,
                      .body = zframe_new(body.data, body.size)};
    memcpy(item->sha256, put->sha256.data, sizeof(item->sha256));
    zlistx_add_end(self->waiting, item);
    return TM_OK;
}

tm_err_t
dataset_chunks_put(const delivery_t *in)
{
    dataset_chunks_t *self = in->self;
    const peer_t *from = in->peer;
    const struct tm_put *put = &in->msg->put;
    tm_err_t err = add_chunk(self, from->id, put, in->msg->body);

    if (err)
        peers_reject(self->peers, from->id, put->ref, err, NULL,
                     tm_err_retryable(err) ? 100 : 0);
    return TM_OK;
}

static void
answer_put(dataset_chunks_t *self, chunk_t *item, const struct pg_outcome *outcome)
{
    tm_msg_t msg = {.type = TM_MSG_STORED, .stored = {.ref = item->ref}};
    const PGresult *last;

    if (outcome->err) {
        peers_reject(self->peers, item->peer, item->ref, outcome->err, NULL, 500);
        return;
    }
    last = outcome->results[outcome->count - 1];
    if (!pg_get(last, 0, 0)) {
        peers_reject(self->peers, item->peer, item->ref, TM_DATASET_MISMATCH, NULL, 0);
        return;
    }
    msg.stored.complete = pg_get_bool(last, 0, 0);
    peers_send(self->peers, item->peer, &msg);
}

static void
on_stored(void *arg, const struct pg_outcome *outcome)
{
    chunk_t *item = arg;
    dataset_chunks_t *self = item->owner;

    self->is_in_flight = false;
    answer_put(self, item, outcome);
    destroy_chunk(&arg);
}

void
dataset_chunks_flush(dataset_chunks_t *self)
{
    chunk_t *item;
    pg_unit_t *unit;

    if (self->is_in_flight || !(item = zlistx_detach(self->waiting, NULL)))
        return;
    unit = pg_unit_new(self->context->pg);
    if (!item->query) {
        pg_add(unit, STMT_PIECE_PUT);
        pg_bytes(unit, item->sha256, sizeof(item->sha256));
        pg_i64(unit, (int64_t)(item->offset / CHUNK_SIZE));
        pg_bytes(unit, zframe_data(item->body), zframe_size(item->body));
    }
    pg_add(unit, STMT_DATASET_COMPLETE);
    pg_bytes(unit, item->sha256, sizeof(item->sha256));
    pg_i64(unit, (int64_t)item->size);
    self->is_in_flight = true;
    pg_send(&unit, on_stored, item);
}
