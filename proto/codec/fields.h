/* fields - messages.def as tables: what the codec, the printer and PROTOCOL.md walk.
 *
 * Inner header of proto: not installed, and nothing outside proto includes it.
 */
#ifndef PROTO_CODEC_FIELDS_H
#define PROTO_CODEC_FIELDS_H

#include "proto/message.h"

enum field_kind { KIND_U64, KIND_BOOL, KIND_STR, KIND_BIN, KIND_UUID };

/* What can be wrong with a field; field.what holds the sentence for each. */
enum field_fault { FAULT_MISSING, FAULT_KIND, FAULT_LIMIT, FAULT_TEXT, FAULT_COUNT };

struct field {
    const char *name;
    const char *doc;
    const char *what[FAULT_COUNT];
    uint64_t limit;
    uint16_t at;     /* where the value stands in a tm_msg_t */
    uint16_t has_at; /* where its has_ flag stands */
    uint8_t key;
    enum field_kind kind;
    bool required;
};

struct shape {
    const char *name;
    const char *way;
    const char *doc;
    unsigned roles; /* who may say it */
    const struct field *fields;
    size_t field_count;
};

#define KEY_VERSION   0
#define KEY_TYPE      1
#define KEY_LIMIT     256 /* keys are below this */
#define MAP_PAIRS_MAX 64  /* a header map has no more entries */
#define NESTING_MAX   8   /* of unknown values */

const struct shape *shape_of(uint64_t type); /* NULL if there is no such message */
const char *field_kind_name(enum field_kind kind);

bool text_is_utf8(const char *data, size_t size); /* and holds no NUL */

static inline const void *
field_at(const tm_msg_t *msg, const struct field *field)
{
    return (const char *)msg + field->at;
}

static inline bool
field_is_set(const tm_msg_t *msg, const struct field *field)
{
    return *((const bool *)msg + field->has_at);
}

#endif
