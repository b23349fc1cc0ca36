/* Decoding is two short walks. The first goes through the map once, checks its structure and
 * notes where the value of each key stands; the second goes through the message's table and
 * reads each field from its place. Work and stack are bounded by the frame's size and
 * NESTING_MAX; a count that a peer states is believed only as far as there are bytes. */
#include <assert.h>
#include <string.h>

#include "proto/codec/fields.h"

enum item_kind {
    ITEM_BAD,
    ITEM_OTHER,
    ITEM_UINT,
    ITEM_BOOL,
    ITEM_STR,
    ITEM_BIN,
    ITEM_ARRAY,
    ITEM_MAP
};

struct cursor {
    const uint8_t *start;
    const uint8_t *at;
    const uint8_t *end;
};

/* One msgpack item without what it contains. number: the value, length, or count. */
struct item {
    enum item_kind kind;
    uint64_t number;
    const uint8_t *data;
};

/* The tags 0xc0 to 0xdf: the kind, how many bytes hold the number, and how many bytes follow
 * whatever the number says (the type of an extension, a float, a signed integer). */
static const struct {
    enum item_kind kind;
    uint8_t width;
    uint8_t extra;
    bool is_sized; /* the number counts bytes that follow */
} tags[32] = {
    [0x00] = {ITEM_OTHER, 0, 0, false},  [0x01] = {ITEM_BAD, 0, 0, false},
    [0x02] = {ITEM_BOOL, 0, 0, false},   [0x03] = {ITEM_BOOL, 0, 0, false},
    [0x04] = {ITEM_BIN, 1, 0, true},     [0x05] = {ITEM_BIN, 2, 0, true},
    [0x06] = {ITEM_BIN, 4, 0, true},     [0x07] = {ITEM_OTHER, 1, 1, true},
    [0x08] = {ITEM_OTHER, 2, 1, true},   [0x09] = {ITEM_OTHER, 4, 1, true},
    [0x0a] = {ITEM_OTHER, 0, 4, false},  [0x0b] = {ITEM_OTHER, 0, 8, false},
    [0x0c] = {ITEM_UINT, 1, 0, false},   [0x0d] = {ITEM_UINT, 2, 0, false},
    [0x0e] = {ITEM_UINT, 4, 0, false},   [0x0f] = {ITEM_UINT, 8, 0, false},
    [0x10] = {ITEM_OTHER, 0, 1, false},  [0x11] = {ITEM_OTHER, 0, 2, false},
    [0x12] = {ITEM_OTHER, 0, 4, false},  [0x13] = {ITEM_OTHER, 0, 8, false},
    [0x14] = {ITEM_OTHER, 0, 2, false},  [0x15] = {ITEM_OTHER, 0, 3, false},
    [0x16] = {ITEM_OTHER, 0, 5, false},  [0x17] = {ITEM_OTHER, 0, 9, false},
    [0x18] = {ITEM_OTHER, 0, 17, false}, [0x19] = {ITEM_STR, 1, 0, true},
    [0x1a] = {ITEM_STR, 2, 0, true},     [0x1b] = {ITEM_STR, 4, 0, true},
    [0x1c] = {ITEM_ARRAY, 2, 0, false},  [0x1d] = {ITEM_ARRAY, 4, 0, false},
    [0x1e] = {ITEM_MAP, 2, 0, false},    [0x1f] = {ITEM_MAP, 4, 0, false},
};

static uint64_t
bytes_left(const struct cursor *self)
{
    return (uint64_t)(self->end - self->at);
}

static bool
take_number(struct cursor *self, uint8_t width, uint64_t *ret)
{
    uint64_t number = 0;

    if (bytes_left(self) < width)
        return false;
    for (uint8_t i = 0; i < width; i++)
        number = number << 8 | *self->at++;
    *ret = number;
    return true;
}

static bool
take_bytes(struct cursor *self, uint64_t size, struct item *item)
{
    if (bytes_left(self) < size)
        return false;
    item->data = self->at;
    self->at += size;
    return true;
}

static bool
take_tagged(struct cursor *self, uint8_t tag, struct item *item)
{
    uint8_t row = tag & 0x1f;

    item->kind = tags[row].kind;
    if (item->kind == ITEM_BAD || !take_number(self, tags[row].width, &item->number))
        return false;
    if (item->kind == ITEM_BOOL)
        item->number = tag & 1;
    return take_bytes(self, tags[row].extra + (tags[row].is_sized ? item->number : 0), item);
}

static bool
take_item(struct cursor *self, struct item *ret)
{
    struct item item = {ITEM_OTHER, 0, NULL};
    uint64_t tag;
    bool is_ok = true;

    if (!take_number(self, 1, &tag))
        return false;
    if (tag <= 0x7f)
        item = (struct item){ITEM_UINT, tag, NULL};
    else if (tag <= 0x8f)
        item = (struct item){ITEM_MAP, tag & 0x0f, NULL};
    else if (tag <= 0x9f)
        item = (struct item){ITEM_ARRAY, tag & 0x0f, NULL};
    else if (tag <= 0xbf) {
        item = (struct item){ITEM_STR, tag & 0x1f, NULL};
        is_ok = take_bytes(self, item.number, &item);
    } else if (tag <= 0xdf)
        is_ok = take_tagged(self, (uint8_t)tag, &item);
    *ret = item; /* above 0xdf: a small negative number, which nothing of ours is */
    return is_ok;
}

/* Steps over any value. Each element takes a byte at least, so a count above what is left lies.
 */
static bool
skip_value(struct cursor *self, unsigned depth)
{
    struct item item;

    if (!take_item(self, &item))
        return false;
    uint64_t children = item.kind == ITEM_ARRAY ? item.number
                        : item.kind == ITEM_MAP ? item.number * 2
                                                : 0;
    if (children > bytes_left(self) || (children > 0 && depth == 0))
        return false;
    while (children-- > 0)
        if (!skip_value(self, depth - 1))
            return false;
    return true;
}

/* places[key] becomes the distance of the key's value from the start; 0: not there. */
static const char *
find_places(struct cursor *self, uint16_t places[KEY_LIMIT])
{
    struct item map, key;

    if (!take_item(self, &map) || map.kind != ITEM_MAP)
        return "the header is not a msgpack map";
    if (map.number > MAP_PAIRS_MAX)
        return "the header has too many keys";
    for (uint64_t i = 0; i < map.number; i++) {
        if (!take_item(self, &key) || key.kind != ITEM_UINT || key.number >= KEY_LIMIT)
            return "a key is not a number below 256, or the header is cut short";
        if (places[key.number])
            return "a key stands twice";
        places[key.number] = (uint16_t)(self->at - self->start);
        if (!skip_value(self, NESTING_MAX))
            return "a value is cut short, malformed or nested too deeply";
    }
    return self->at == self->end ? NULL : "bytes follow the header's map";
}

static bool
read_uint(const struct cursor *self, uint16_t place, uint64_t *ret)
{
    struct cursor value = {self->start, self->start + place, self->end};
    struct item item;

    if (place == 0 || !take_item(&value, &item) || item.kind != ITEM_UINT)
        return false;
    *ret = item.number;
    return true;
}

static const enum item_kind item_of[] = {
    [KIND_U64] = ITEM_UINT, [KIND_BOOL] = ITEM_BOOL, [KIND_STR] = ITEM_STR,
    [KIND_BIN] = ITEM_BIN,  [KIND_UUID] = ITEM_BIN,
};

static const char *
check_item(const struct field *field, const struct item *item)
{
    if (item->kind != item_of[field->kind])
        return field->what[FAULT_KIND];
    if (item->number > field->limit)
        return field->what[FAULT_LIMIT];
    if (field->kind == KIND_UUID && item->number != sizeof(tm_uuid_t))
        return field->what[FAULT_KIND];
    if (field->kind == KIND_STR && !text_is_utf8((const char *)item->data, item->number))
        return field->what[FAULT_TEXT];
    return NULL;
}

static void
store_item(const struct field *field, const struct item *item, void *at)
{
    switch (field->kind) {
    case KIND_U64:
        *(uint64_t *)at = item->number;
        break;
    case KIND_BOOL:
        *(bool *)at = item->number != 0;
        break;
    case KIND_STR:
    case KIND_BIN:
        *(tm_str_t *)at = (tm_str_t){(const char *)item->data, item->number};
        break;
    case KIND_UUID:
        assert(item->data); /* check_item() saw 16 bytes */
        memcpy(at, item->data, sizeof(tm_uuid_t));
        break;
    }
}

static const char *
read_field(const struct cursor *self, uint16_t place, const struct field *field, tm_msg_t *msg)
{
    struct cursor value = {self->start, self->start + place, self->end};
    struct item item;
    void *at = (char *)msg + field->at;

    if (place == 0) {
        if (field->kind == KIND_STR || field->kind == KIND_BIN)
            *(tm_str_t *)at = tm_str("");
        return field->required ? field->what[FAULT_MISSING] : NULL;
    }
    if (!take_item(&value, &item))
        return field->what[FAULT_KIND];
    const char *what = check_item(field, &item);
    if (!what) {
        store_item(field, &item, at);
        *((bool *)msg + field->has_at) = true;
    }
    return what;
}

static const char *
read_fields(const struct cursor *self, const uint16_t places[KEY_LIMIT], tm_msg_t *msg)
{
    const struct shape *shape = shape_of((uint64_t)msg->type);
    const char *what = NULL;

    for (size_t i = 0; i < shape->field_count && !what; i++)
        what = read_field(self, places[shape->fields[i].key], &shape->fields[i], msg);
    return what;
}

static tm_err_t
fail(const char *what, const char **ret_what)
{
    if (ret_what)
        *ret_what = what;
    return TM_BAD_MESSAGE;
}

tm_err_t
tm_msg_decode(const void *data, size_t size, tm_msg_t *ret, const char **ret_what)
{
    uint16_t places[KEY_LIMIT] = {0};
    struct cursor cursor = {data, data, (const uint8_t *)data + size};
    uint64_t version, type;
    tm_msg_t msg;

    if (!data || size == 0 || size > TM_HEADER_MAX)
        return fail("the header is empty or larger than a header may be", ret_what);
    const char *what = find_places(&cursor, places);
    if (what)
        return fail(what, ret_what);
    if (!read_uint(&cursor, places[KEY_VERSION], &version))
        return fail("the protocol version (key 0) is missing or no number", ret_what);
    if (version != TM_PROTOCOL_VERSION)
        return TM_BAD_VERSION;
    if (!read_uint(&cursor, places[KEY_TYPE], &type))
        return fail("the message number (key 1) is missing or no number", ret_what);
    if (!shape_of(type))
        return TM_UNKNOWN_MESSAGE;
    memset(&msg, 0, sizeof msg);
    msg.type = (tm_msg_type_t)type;
    msg.version = version;
    msg.body = tm_str("");
    what = read_fields(&cursor, places, &msg);
    if (what)
        return fail(what, ret_what);
    *ret = msg;
    return TM_OK;
}
