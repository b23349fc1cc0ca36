#include "actors/http/core/query.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const query_field_t fields[] = {
#define N(member, name, KIND, choices, standard, min, max, set, doc) \
    {name,                                                           \
     QUERY_##KIND,                                                   \
     choices,                                                        \
     standard,                                                       \
     min,                                                            \
     max,                                                            \
     set,                                                            \
     doc,                                                            \
     offsetof(struct query, member),                                 \
     offsetof(struct query, has_##member)},
#define Q(name, KIND, choices, standard, min, max, set, doc) \
    N(name, #name, KIND, choices, standard, min, max, set, doc)
    HTTP_PARAMETERS(Q) HTTP_NAMED_PARAMETERS(N)
#undef Q
#undef N
};

const query_field_t *
query_field_at(size_t index)
{
    return index < sizeof(fields) / sizeof(fields[0]) ? &fields[index] : NULL;
}

static const query_field_t *
find(unsigned sets, const char *name)
{
    const query_field_t *field;

    for (size_t i = 0; (field = query_field_at(i)); i++)
        if ((field->set & sets) && strcmp(field->name, name) == 0)
            return field;
    return NULL;
}

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
    const query_field_t *field;

    memset(self, 0, sizeof(*self));
    for (size_t i = 0; (field = query_field_at(i)); i++)
        if (field->kind == QUERY_INT)
            memcpy((char *)self + field->value_at, &field->standard, sizeof(int64_t));
}

static bool
read_int(const query_field_t *field, const char *text, int64_t *ret)
{
    size_t size = strlen(text);
    long long value;

    if (size == 0 || size > 12 || strspn(text, "0123456789") != size)
        return false;
    value = strtoll(text, NULL, 10);
    if (value < field->min || value > field->max)
        return false;
    *ret = value;
    return true;
}

/* A word of the list, which separates them by spaces. */
static bool
read_word(const query_field_t *field, const char *text, struct query_word *ret)
{
    size_t size = strlen(text);

    if (size == 0 || size >= sizeof(ret->text))
        return false;
    for (const char *at = field->choices; *at; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");

        if (length == size && memcmp(at, text, size) == 0) {
            memcpy(ret->text, text, size + 1);
            return true;
        }
        at += length;
    }
    return false;
}

static bool
read_bool(const char *text, bool *ret)
{
    bool is_true = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;

    if (!is_true && strcmp(text, "false") != 0 && strcmp(text, "0") != 0)
        return false;
    *ret = is_true;
    return true;
}

/* One more of a list, unless it is full or has it. */
static bool
read_another(const char *text, struct query_uuids *list)
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

static bool
read_name(const query_field_t *field, const char *text, struct query_name *ret)
{
    size_t size = strlen(text);

    if (size == 0 || size > QUERY_NAME_MAX || strspn(text, field->choices) != size)
        return false;
    memcpy(ret->text, text, size + 1);
    return true;
}

/* Behind the seconds: nothing, or a point and digits; then Z. */
static bool
is_time_end(const char *text)
{
    size_t digits = *text == '.' ? strspn(text + 1, "0123456789") : 0;

    if (*text == '.' && (digits == 0 || digits > 6))
        return false;
    return strcmp(text + (digits ? digits + 1 : 0), "Z") == 0;
}

/* What strptime takes for a date need not be one: 31 February comes back as another day. */
static bool
read_time(const char *text, struct query_time *ret)
{
    struct tm given = {0}, same;
    const char *end =
        strlen(text) < sizeof(ret->text) ? strptime(text, "%Y-%m-%dT%H:%M:%S", &given) : NULL;

    if (!end || end - text != 19 || given.tm_sec > 59 || !is_time_end(end))
        return false;
    same = given;
    timegm(&same);
    if (same.tm_mday != given.tm_mday || same.tm_mon != given.tm_mon || given.tm_year < 70)
        return false;
    snprintf(ret->text, sizeof(ret->text), "%s", text);
    return true;
}

static bool
read_text(const query_field_t *field, const char *text, query_text_t *ret)
{
    size_t size = strlen(text);

    if (size < (size_t)field->min || size > (size_t)field->max)
        return false;
    *ret = text;
    return true;
}

static bool
read_value(const query_field_t *field, const char *text, void *value)
{
    switch (field->kind) {
    case QUERY_UUID:
        return tm_uuid_parse(text, strlen(text), value) == TM_OK;
    case QUERY_UUIDS:
        return read_another(text, value);
    case QUERY_WORD:
        return read_word(field, text, value);
    case QUERY_INT:
        return read_int(field, text, value);
    case QUERY_BOOL:
        return read_bool(text, value);
    case QUERY_NAME:
        return read_name(field, text, value);
    case QUERY_TIME:
        return read_time(text, value);
    case QUERY_TEXT:
        return read_text(field, text, value);
    }
    return false;
}

static void
complain(const query_field_t *field, struct problem *problem)
{
    char loc[80];

    snprintf(loc, sizeof(loc), "query.%s", field->name);
    switch (field->kind) {
    case QUERY_UUID:
        problem_add(problem, TM_VALIDATION_FAILED, loc, "is not a UUID");
        break;
    case QUERY_UUIDS:
        problem_add(problem, TM_VALIDATION_FAILED, loc,
                    "must be given %lld to %lld times, each another UUID",
                    (long long)field->min, (long long)field->max);
        break;
    case QUERY_WORD:
        problem_add(problem, TM_VALIDATION_FAILED, loc, "must be one of: %s", field->choices);
        break;
    case QUERY_INT:
        problem_add(problem, TM_VALIDATION_FAILED, loc,
                    "must be a whole number from %lld to %lld", (long long)field->min,
                    (long long)field->max);
        break;
    case QUERY_BOOL:
        problem_add(problem, TM_VALIDATION_FAILED, loc, "must be true or false");
        break;
    case QUERY_NAME:
        problem_add(problem, TM_VALIDATION_FAILED, loc, "must be 1 to %d characters of: %s",
                    QUERY_NAME_MAX, field->choices);
        break;
    case QUERY_TIME:
        problem_add(problem, TM_VALIDATION_FAILED, loc,
                    "must be a time in UTC since 1970, as 2026-03-01T12:30:00.000Z");
        break;
    case QUERY_TEXT:
        problem_add(problem, TM_VALIDATION_FAILED, loc, "must have %lld to %lld bytes",
                    (long long)field->min, (long long)field->max);
        break;
    }
}

void
query_set(struct query *self, unsigned sets, const char *name, const char *value,
          struct problem *problem)
{
    const query_field_t *field = find(sets, name);
    bool *has;

    if (!field)
        return;
    has = (bool *)((char *)self + field->has_at);
    if (*has && field->kind != QUERY_UUIDS) {
        char loc[80];

        snprintf(loc, sizeof(loc), "query.%s", field->name);
        problem_add(problem, TM_VALIDATION_FAILED, loc, "is given twice");
        return;
    }
    *has = read_value(field, value ? value : "", (char *)self + field->value_at);
    if (!*has)
        complain(field, problem);
}

void
query_end(const struct query *self, unsigned sets, struct problem *problem)
{
    const query_field_t *field;

    for (size_t i = 0; (field = query_field_at(i)); i++) {
        const struct query_uuids *list = (const void *)((const char *)self + field->value_at);

        if (field->kind == QUERY_UUIDS && (field->set & sets) && !problem->err &&
            list->count < (size_t)field->min)
            complain(field, problem);
    }
}
