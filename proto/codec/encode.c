#include <msgpack.h>
#include <string.h>

#include "proto/codec/fields.h"

struct sink {
    uint8_t *at;
    size_t left;
};

static int
sink_write(void *data, const char *bytes, size_t size)
{
    struct sink *self = data;

    if (size > self->left)
        return -1;
    memcpy(self->at, bytes, size);
    self->at += size;
    self->left -= size;
    return 0;
}

static bool
is_written(const tm_msg_t *msg, const struct field *field)
{
    return field->required || field_is_set(msg, field);
}

static bool
is_within_limit(const struct field *field, const void *at)
{
    switch (field->kind) {
    case KIND_U64:
        return *(const uint64_t *)at <= field->limit;
    case KIND_STR: {
        const tm_str_t *str = at;
        return str->size <= field->limit && text_is_utf8(str->data, str->size);
    }
    case KIND_BIN:
        return ((const tm_str_t *)at)->size <= field->limit;
    case KIND_BOOL:
    case KIND_UUID:
        return true;
    }
    return false;
}

static int
pack_str(msgpack_packer *packer, const tm_str_t *str)
{
    int rc = msgpack_pack_str(packer, str->size);
    return str->size > 0 && rc == 0 ? msgpack_pack_str_body(packer, str->data, str->size) : rc;
}

static int
pack_bin(msgpack_packer *packer, const char *data, size_t size)
{
    int rc = msgpack_pack_bin(packer, size);
    return size > 0 && rc == 0 ? msgpack_pack_bin_body(packer, data, size) : rc;
}

static int
pack_value(msgpack_packer *packer, const struct field *field, const void *at)
{
    switch (field->kind) {
    case KIND_U64:
        return msgpack_pack_uint64(packer, *(const uint64_t *)at);
    case KIND_BOOL:
        return *(const bool *)at ? msgpack_pack_true(packer) : msgpack_pack_false(packer);
    case KIND_STR:
        return pack_str(packer, at);
    case KIND_BIN:
        return pack_bin(packer, ((const tm_str_t *)at)->data, ((const tm_str_t *)at)->size);
    case KIND_UUID:
        return pack_bin(packer, at, sizeof(tm_uuid_t));
    }
    return -1;
}

static size_t
count_written(const tm_msg_t *msg, const struct shape *shape)
{
    size_t count = 0;

    for (size_t i = 0; i < shape->field_count; i++)
        if (is_written(msg, &shape->fields[i]))
            count++;
    return count;
}

static int
pack_header(msgpack_packer *packer, const tm_msg_t *msg, const struct shape *shape)
{
    int rc = msgpack_pack_map(packer, 2 + count_written(msg, shape));

    rc |= msgpack_pack_uint64(packer, KEY_VERSION);
    rc |= msgpack_pack_uint64(packer, TM_PROTOCOL_VERSION);
    rc |= msgpack_pack_uint64(packer, KEY_TYPE);
    rc |= msgpack_pack_uint64(packer, (uint64_t)msg->type);
    for (size_t i = 0; i < shape->field_count && rc == 0; i++) {
        const struct field *field = &shape->fields[i];
        const void *at = field_at(msg, field);
        if (!is_written(msg, field))
            continue;
        if (!is_within_limit(field, at))
            return -1;
        rc |= msgpack_pack_uint64(packer, field->key);
        rc |= pack_value(packer, field, at);
    }
    return rc;
}

size_t
tm_msg_encode(const tm_msg_t *msg, uint8_t *buffer)
{
    const struct shape *shape = shape_of((uint64_t)msg->type);
    struct sink sink = {buffer, TM_HEADER_MAX};
    msgpack_packer packer;

    if (!shape)
        return 0;
    msgpack_packer_init(&packer, &sink, sink_write);
    return pack_header(&packer, msg, shape) == 0 ? TM_HEADER_MAX - sink.left : 0;
}

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
