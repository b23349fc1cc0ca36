#include "actors/http/core/query.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_OF(x)       #x
#define QUERY_TEXT_OF(x) TEXT_OF(x)

#define FIELD_UUIDS      FIELD_UUID
#define MANY(member) \
    _Generic(((struct query *)0)->member, struct query_uuids : QUERY_MANY, default : 0)

static const field_t rows[] = {
#define N(member, name_, KIND, choices_, standard_, min_, max_, set, doc) \
    {.name = name_,                                                       \
     .kind = FIELD_##KIND,                                                \
     .choices = (choices_),                                               \
     .standard = (standard_),                                             \
     .min = (min_),                                                       \
     .max = (max_),                                                       \
     .flags = QUERY_SET(set) | MANY(member),                              \
     .help = (doc),                                                       \
     FIELD_AT(struct query, member),                                      \
     FIELD_HAS(struct query, has_##member)},
#define Q(name, KIND, choices, standard, min, max, set, doc) \
    N(name, #name, KIND, choices, standard, min, max, set, doc)
    HTTP_PARAMETERS(Q) HTTP_NAMED_PARAMETERS(N)
#undef Q
#undef N
};
const struct fields query_fields = FIELDS_OF(rows);

static int
hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;

    return at ? (int)(at - digits) : -1;
}

size_t
query_unescape(char *text)
{
    char *end = text;

    for (const char *at = text; *at; at++) {
        int high = *at == '%' ? hex_digit(at[1]) : -1;
        int low = high >= 0 ? hex_digit(at[2]) : -1;

        if (low >= 0 && high + low > 0) {
            *end++ = (char)(high << 4 | low);
            at += 2;
        } else {
            *end++ = *at;
        }
    }
    *end = '\0';
    return (size_t)(end - text);
}

void
query_init(struct query *self)
{
    memset(self, 0, sizeof(*self));
    fields_default(&query_fields, self);
}

static void
complain(const char *name, tm_err_t err, const char *why, struct problem *problem)
{
    char loc[80];

    snprintf(loc, sizeof(loc), "query.%s", name);
    problem_add(problem, err, loc, "%s", why);
}

static void
complain_count(const field_t *row, struct problem *problem)
{
    char why[FIELD_WHY];

    snprintf(why, sizeof(why), "must be given %.0f to %.0f times, each another UUID", row->min,
             row->max);
    complain(row->name, field_err(row), why, problem);
}

/* One more of a list, unless it is full or has it. */
static bool
add_uuid(struct query_uuids *list, const char *text)
{
    tm_uuid_t id;

    if (list->count == QUERY_UUIDS_MAX || tm_uuid_parse(text, strlen(text), &id))
        return false;
    for (size_t i = 0; i < list->count; i++)
        if (tm_uuid_is(&list->ids[i], &id))
            return false;
    list->ids[list->count++] = id;
    return true;
}

void
query_set(struct query *self, unsigned sets, const char *name, const char *given,
          struct problem *problem)
{
    const field_t *row = fields_find(&query_fields, QUERY_SET(sets), name);
    const char *text = given ? given : "";
    char why[FIELD_WHY];
    struct field_value value;
    tm_err_t err;

    if (!row && sets & QUERY_ANY)
        return;
    if (!row) {
        fields_unknown(&query_fields, QUERY_SET(sets), name, why);
        complain(name, TM_UNKNOWN_FIELD, why, problem);
    } else if (row->flags & QUERY_MANY) {
        if (!add_uuid((void *)((char *)self + row->offset), text))
            complain_count(row, problem);
    } else if (*(bool *)((char *)self + row->has_at)) {
        complain(name, field_err(row), "is given twice", problem);
    } else {
        err = field_from_text(row, text, strlen(text), &value, why);
        if (err)
            complain(name, err, why, problem);
        else
            field_store(row, &value, self);
    }
}

void
query_end(const struct query *self, unsigned sets, struct problem *problem)
{
    for (size_t i = 0; i < query_fields.count; i++) {
        const field_t *row = &rows[i];
        const struct query_uuids *list = (const void *)((const char *)self + row->offset);

        if (row->flags & QUERY_MANY && row->flags & QUERY_SET(sets) && !problem->err &&
            (double)list->count < row->min)
            complain_count(row, problem);
    }
}
