/* query - the query parameters of parameters.def, checked.
 *
 * query_init fills the defaults; query_set reads one parameter as it stands in the address and
 * notes in the problem what is wrong with it. query_end, behind the last, notes which lists are
 * too short.
 */
#ifndef ACTORS_HTTP_CORE_QUERY_H
#define ACTORS_HTTP_CORE_QUERY_H

#include "actors/http/core/parameters.def"
#include "actors/http/core/problem.h"
#include "actors/kit/contracts/backtest_call.h"
#include "actors/kit/fields/fields.h"

struct query_choice {
    char text[32];
};

#define QUERY_NAME_MAX 64
struct query_name {
    char text[QUERY_NAME_MAX + 1];
};

/* A time that exists, as PostgreSQL reads it */
struct query_time {
    char text[32];
};

typedef const char *query_text_t; /* NULL: absent */

#define QUERY_UUIDS_MAX 10
struct query_uuids {
    size_t count;
    tm_uuid_t ids[QUERY_UUIDS_MAX];
};

#define QUERY_C_UUID   tm_uuid_t
#define QUERY_C_UUIDS  struct query_uuids
#define QUERY_C_CHOICE struct query_choice
#define QUERY_C_INT    int64_t
#define QUERY_C_BOOL   bool
#define QUERY_C_NAME   struct query_name
#define QUERY_C_TIME   struct query_time
#define QUERY_C_TEXT   query_text_t

/* name and has_name: whether it was given */
struct query {
#define N(member, name, KIND, choices, standard, min, max, set, doc) \
    QUERY_C_##KIND member;                                           \
    bool has_##member;
#define Q(name, KIND, choices, standard, min, max, set, doc) \
    N(name, #name, KIND, choices, standard, min, max, set, doc)
    HTTP_PARAMETERS(Q)
    HTTP_NAMED_PARAMETERS(N)
#undef Q
#undef N
};

/* Flags of the rows: a set of parameters.def as a flag, and a UUID that is given min to max
 * times. */
#define QUERY_SET(set) ((set)*FIELD_OWN)
#define QUERY_MANY     (1U << 30)

extern const struct fields query_fields;

/* Decodes %XX in place and returns the new length. %00 stays as it is: decoded, it would end
 * the text for all who read it, and nobody would look at what follows. */
size_t query_unescape(char *text);

void query_init(struct query *self);
void query_set(struct query *self, unsigned sets, const char *name, const char *value,
               struct problem *problem);
void query_end(const struct query *self, unsigned sets, struct problem *problem);

#endif
