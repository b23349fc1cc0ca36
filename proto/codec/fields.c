#include "proto/codec/fields.h"

#include <stddef.h>

#define NEED_REQ true
#define NEED_OPT false

#define F(m, key_, KIND, field_, need, limit_, doc_)                             \
    {                                                                            \
        .name = #field_,                                                         \
        .doc = doc_,                                                             \
        .what = {#field_ " is missing", #field_ " is of the wrong kind",         \
                 #field_ " is over its limit", #field_ " is not text in UTF-8"}, \
        .limit = limit_,                                                         \
        .at = offsetof(tm_msg_t, m.field_),                                      \
        .has_at = offsetof(tm_msg_t, m.has_##field_),                            \
        .key = key_,                                                             \
        .kind = KIND_##KIND,                                                     \
        .required = NEED_##need,                                                 \
    },
#define M(NAME, name, number, roles, way, doc) \
    static const struct field fields_of_##name[] = {TM_FIELDS_##name(F, name)};
TM_MESSAGES(M)
#undef M
#undef F

/* A message that nobody may say is one whose roles were forgotten. */
#define M(NAME, name, number, roles, way, doc)                              \
    _Static_assert(((roles)&TM_BY_ANY) != 0 && ((roles) & ~TM_BY_ANY) == 0, \
                   #NAME " has no role in messages.def");
TM_MESSAGES(M)
#undef M

static const struct shape shapes[TM_MSG_LIMIT] = {
#define M(NAME, name_, number, roles_, way_, doc_) \
    [number] = {#NAME,                             \
                way_,                              \
                doc_,                              \
                roles_,                            \
                fields_of_##name_,                 \
                sizeof fields_of_##name_ / sizeof fields_of_##name_[0]},
    TM_MESSAGES(M)
#undef M
};

const struct shape *
shape_of(uint64_t type)
{
    return type < TM_MSG_LIMIT && shapes[type].name ? &shapes[type] : NULL;
}

const char *
tm_msg_name(tm_msg_type_t type)
{
    const struct shape *shape = shape_of((uint64_t)type);
    return shape ? shape->name : NULL;
}

unsigned
tm_msg_roles(tm_msg_type_t type)
{
    const struct shape *shape = shape_of((uint64_t)type);
    return shape ? shape->roles : 0;
}

const char *
field_kind_name(enum field_kind kind)
{
    static const char *const names[] = {"U64", "BOOL", "STR", "BIN", "UUID"};
    return names[kind];
}
