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
pack_bytes(msgpack_packer *packer, bool is_text, const char *data, size_t size)
{
    int rc = is_text ? msgpack_pack_str(packer, size) : msgpack_pack_bin(packer, size);

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
    case KIND_BIN: {
        const tm_str_t *str = at;
        return pack_bytes(packer, field->kind == KIND_STR, str->data, str->size);
    }
    case KIND_UUID:
        return pack_bytes(packer, false, at, sizeof(tm_uuid_t));
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
