#include "actors/http/intake/dataset_upload.h"

#include <stdio.h>
#include <stdlib.h>

#define PIECE_BYTES   ((size_t)1 << 20)
#define IN_FLIGHT_MAX 2u

static void continue_upload(struct dataset_upload *self);

static void
note_failure(struct dataset_upload *self, tm_err_t err, const char *detail)
{
    if (self->err)
        return;
    self->err = err;
    snprintf(self->detail, sizeof(self->detail), "%s", detail ? detail : "");
}

static void
on_stored(void *arg, tm_err_t err, bool complete, const char *detail)
{
    struct dataset_upload *self = arg;

    self->in_flight--;
    self->is_complete = self->is_complete || complete;
    if (err)
        note_failure(self, err, detail);
    continue_upload(self);
}

/* data NULL: only asks */
static void
put_piece(struct dataset_upload *self, const void *data, size_t size)
{
    const struct tm_piece piece = {.sha256 = form_file_sha256(self->form),
                                   .size = form_file_size(self->form),
                                   .offset = data ? self->sent : 0,
                                   .data = data,
                                   .data_size = size};
    tm_err_t err = tm_client_put(self->client, &piece, on_stored, self);

    if (err) {
        note_failure(self, err, "");
        return;
    }
    self->in_flight++;
    self->sent += size;
}

static void
put_next(struct dataset_upload *self)
{
    uint64_t left = form_file_size(self->form) - self->sent;
    size_t size = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
    void *piece = malloc(size);

    if (!piece)
        note_failure(self, TM_NO_MEMORY, "");
    else if (form_file_read(self->form, self->sent, piece, size))
        note_failure(self, TM_INTERNAL, "the upload could not be read back");
    else
        put_piece(self, piece, size);
    free(piece);
}

static bool
has_more(const struct dataset_upload *self)
{
    return !self->err && !self->is_complete && self->sent < form_file_size(self->form);
}

static void
continue_upload(struct dataset_upload *self)
{
    while (has_more(self) && self->in_flight < IN_FLIGHT_MAX)
        put_next(self);
    if (self->in_flight)
        return;
    if (!self->err && !self->is_complete)
        note_failure(self, TM_INTERNAL, "the file arrived and was not found complete");
    self->fn(self->arg, self->is_complete ? TM_OK : self->err, self->detail);
}

void
dataset_upload_start(struct dataset_upload *self, tm_client_t *client, const form_t *form,
                     dataset_upload_fn *fn, void *arg)
{
    *self = (struct dataset_upload){.client = client, .form = form, .fn = fn, .arg = arg};
    put_piece(self, NULL, 0);
    if (!self->in_flight)
        fn(arg, self->err, self->detail);
}
