#include "broker/core.h"

#include <string.h>

/* Datasets arrive in pieces and are stored one after the other: the last one sees all the
 * others and completes the dataset. */

enum { PIECE_SIZE = 1 << 20, PIECES_WAITING = 64 };

struct dataset_chunk {
    broker_t *broker;
    peer_id_t peer;
    uint64_t ref, size, offset;
    uint8_t sha256[32];
    bool query;
    zframe_t *body;
};

void
dataset_chunk_destroy(dataset_chunk_t **self_p)
{
    if (!*self_p)
        return;
    zframe_destroy(&(*self_p)->body);
    free(*self_p);
    *self_p = NULL;
}

static tm_err_t
check(const struct tm_put *put, tm_str_t body)
{
    uint64_t left = put->offset < put->size ? put->size - put->offset : 0;

    if (put->sha256.size != 32 || put->size == 0)
        return TM_BAD_REQUEST;
    if (put->query)
        return body.size == 0 ? TM_OK : TM_BAD_REQUEST;
    if (put->offset % PIECE_SIZE != 0 || left == 0)
        return TM_BAD_REQUEST;
    return body.size == (left < PIECE_SIZE ? left : PIECE_SIZE) ? TM_OK : TM_BAD_REQUEST;
}

tm_err_t
dataset_chunks_put(broker_t *self, const struct tm_put *put, tm_str_t body)
{
    tm_err_t err = check(put, body);
    dataset_chunk_t *item;

    if (err)
        return err;
    if (put->size > (uint64_t)self->context.settings->http_max_upload_mb * PIECE_SIZE)
        return TM_FILE_TOO_LARGE;
    if (zlistx_size(self->pieces) >= PIECES_WAITING)
        return TM_BUSY;
    item = zmalloc(sizeof(*item));
    item->broker = self;
    item->peer = self->from->id;
    item->ref = put->ref;
    item->size = put->size;
    item->offset = put->offset;
    item->query = put->query;
    memcpy(item->sha256, put->sha256.data, sizeof(item->sha256));
    item->body = zframe_new(body.data, body.size);
    zlistx_add_end(self->pieces, item);
    return TM_OK;
}

static void
answer(broker_t *self, dataset_chunk_t *item, const struct pg_outcome *outcome)
{
    tm_msg_t msg = {.type = TM_MSG_STORED, .stored = {.ref = item->ref}};
    const PGresult *last;

    if (outcome->err) {
        peers_reject(&self->peers, item->peer, item->ref, outcome->err, NULL, 500);
        return;
    }
    last = outcome->results[outcome->count - 1];
    if (!pg_get(last, 0, 0)) {
        peers_reject(&self->peers, item->peer, item->ref, TM_DATASET_MISMATCH, NULL, 0);
        return;
    }
    msg.stored.complete = pg_get_bool(last, 0, 0);
    peers_send(&self->peers, item->peer, &msg);
}

static void
on_piece(void *arg, const struct pg_outcome *outcome)
{
    dataset_chunk_t *item = arg;
    broker_t *self = item->broker;

    self->piece_in_flight = false;
    answer(self, item, outcome);
    dataset_chunk_destroy(&item);
}

void
dataset_chunks_flush(broker_t *self)
{
    dataset_chunk_t *item;
    pg_unit_t *unit;

    if (self->piece_in_flight || !(item = zlistx_detach(self->pieces, NULL)))
        return;
    unit = pg_unit_new(self->context.pg);
    if (!item->query) {
        pg_add(unit, STMT_PIECE_PUT);
        pg_bytes(unit, item->sha256, sizeof(item->sha256));
        pg_i64(unit, (int64_t)(item->offset / PIECE_SIZE));
        pg_bytes(unit, zframe_data(item->body), zframe_size(item->body));
    }
    pg_add(unit, STMT_DATASET_COMPLETE);
    pg_bytes(unit, item->sha256, sizeof(item->sha256));
    pg_i64(unit, (int64_t)item->size);
    self->piece_in_flight = true;
    pg_send(&unit, on_piece, item);
}
