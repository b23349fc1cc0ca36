#include "ops/cli/upload.h"

#include <stdio.h>

#define PIECE_BYTES ((size_t)1 << 20)
#define IN_FLIGHT   8

struct upload {
    size_t waiting; /* pieces without an answer */
    bool is_complete;
    tm_err_t err; /* the first */
    char *detail;
    size_t detail_size;
};

static void
on_stored(void *arg, tm_err_t err, bool complete, const char *detail)
{
    struct upload *self = arg;

    self->waiting--;
    self->is_complete = self->is_complete || complete;
    if (err && !self->err) {
        self->err = err;
        snprintf(self->detail, self->detail_size, "%s",
                 detail && detail[0] ? detail : tm_err_text(err));
    }
}

/* Runs the client until at most `most` pieces are without an answer. */
static tm_err_t
settle(struct upload *self, tm_client_t *client, size_t most)
{
    while (self->waiting > most && !self->err) {
        tm_err_t err = tm_client_wait(client, 1000);

        if (err && err != TM_TIMEOUT) {
            snprintf(self->detail, self->detail_size, "interrupted");
            self->err = err;
        }
    }
    return self->err;
}

static tm_err_t
put(struct upload *self, tm_client_t *client, const uint8_t sha256[32], size_t total, size_t at,
    const char *data)
{
    struct tm_piece piece = {.sha256 = sha256, .size = total, .offset = at};

    if (data) {
        piece.data = data + at;
        piece.data_size = total - at > PIECE_BYTES ? PIECE_BYTES : total - at;
    }
    tm_err_t err = tm_client_put(client, &piece, on_stored, self);

    if (err) {
        snprintf(self->detail, self->detail_size, "%s", tm_err_text(err));
        return self->err = err;
    }
    self->waiting++;
    return TM_OK;
}

tm_err_t
upload_run(tm_client_t *client, const void *data, size_t size, const uint8_t sha256[32],
           char *detail, size_t detail_size)
{
    struct upload self = {.detail = detail, .detail_size = detail_size};
    tm_err_t err = put(&self, client, sha256, size, 0, NULL);

    if (!err)
        err = settle(&self, client, 0);
    for (size_t at = 0; !err && !self.is_complete && at < size; at += PIECE_BYTES) {
        err = put(&self, client, sha256, size, at, data);
        if (!err)
            err = settle(&self, client, IN_FLIGHT - 1);
    }
    if (!err)
        err = settle(&self, client, 0);
    if (!err && !self.is_complete) {
        snprintf(detail, detail_size,
                 "the broker has all pieces and does not call them complete");
        err = TM_INTERNAL;
    }
    return err;
}
