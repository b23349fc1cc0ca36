#include "tests/support/pairs.h"

tm_err_t
tm_msg_append_frame(zmsg_t *out, const tm_msg_t *msg, zframe_t **body_p)
{
    uint8_t header[TM_HEADER_MAX];
    size_t size = tm_msg_encode(msg, header);

    if (size == 0)
        return TM_TOO_LARGE;
    if (!*body_p)
        *body_p = zframe_new_empty();
    if (zmsg_addmem(out, header, size) || zmsg_append(out, body_p))
        return TM_NO_MEMORY;
    return TM_OK;
}

tm_err_t
tm_msg_append(zmsg_t *out, const tm_msg_t *msg)
{
    zframe_t *body = msg->body.size > 0 ? zframe_new(msg->body.data, msg->body.size) : NULL;
    tm_err_t err = tm_msg_append_frame(out, msg, &body);

    zframe_destroy(&body);
    return err;
}

tm_pairs_t
tm_pairs(zmsg_t *zmsg)
{
    return (tm_pairs_t){.zmsg = zmsg};
}

static bool
stop(tm_pairs_t *self, tm_err_t err, const char *what)
{
    self->err = err;
    self->what = what;
    return false;
}

/* TM_OK: the next pair's frames are there; TM_NOT_FOUND: no more. */
static tm_err_t
next_frames(tm_pairs_t *self, const char **ret_what)
{
    bool is_first = self->header == NULL;

    self->header = is_first ? zmsg_first(self->zmsg) : zmsg_next(self->zmsg);
    *ret_what = "the message has no frames";
    if (!self->header)
        return is_first ? TM_BAD_MESSAGE : TM_NOT_FOUND;
    self->body = zmsg_next(self->zmsg);
    *ret_what = "a body frame must follow each header frame";
    return self->body ? TM_OK : TM_BAD_MESSAGE;
}

/* A pair of a number that is not known comes of a newer peer: what follows it may be for us. */
bool
tm_pairs_next(tm_pairs_t *self, tm_msg_t *ret)
{
    const char *what;
    tm_err_t err;

    if (self->err)
        return false;
    do {
        err = next_frames(self, &what);
        if (err)
            return err == TM_NOT_FOUND ? false : stop(self, err, what);
        what = "the message is of another protocol version";
        err = tm_msg_decode(zframe_data(self->header), zframe_size(self->header), ret, &what);
    } while (err == TM_UNKNOWN_MESSAGE);
    if (err)
        return stop(self, err, what);
    size_t size = zframe_size(self->body);
    ret->body = size > 0 ? (tm_str_t){(const char *)zframe_data(self->body), size} : tm_str("");
    return true;
}
