#include "actors/kit/fields/field.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "actors/kit/fields/dates.h"
#include "actors/kit/fields/field.h"
#include "actors/kit/fields/json_text.h"

enum { SEEN_MAX = 40, SEEN_BYTES = SEEN_MAX + 8, TIME_MAX = 35, LIST_MAX_BYTES = 65536 };

tm_err_t
field_err(const field_t *self)
{
    return self->err ? self->err : TM_VALIDATION_FAILED;
}

/* --- what is said ------------------------------------------------------------------------- */

static bool
is_number(const field_t *self)
{
    return self->kind == FIELD_INT || self->kind == FIELD_NUMBER;
}

static bool
is_text(const field_t *self)
{
    return self->kind >= FIELD_TEXT && self->kind <= FIELD_TIME;
}

/* How lengths are counted. */
static const char *
unit_of(const field_t *self)
{
    const bool is_in_characters = self->flags & FIELD_CHARACTERS || self->kind == FIELD_NAME;

    return is_in_characters ? "characters" : "bytes";
}

void
field_allowed(const field_t *self, char *ret, size_t size)
{
    static const char *const words[] = {
        [FIELD_BOOL] = "true or false",
        [FIELD_INT] = "a whole number",
        [FIELD_NUMBER] = "a number",
        [FIELD_TEXT] = "a text of ",
        [FIELD_CHOICE] = "one of: ",
        [FIELD_NAME] = "",
        [FIELD_UUID] = "a UUID",
        [FIELD_DATE] = "a date, YYYY-MM-DD, or a date-time, as 2026-03-01T09:30",
        [FIELD_TIME] = "a time in UTC since 1970, as 2026-03-01T12:30:00.000Z",
        [FIELD_OBJECT] = "a JSON object",
        [FIELD_LIST] = "a list",
        [FIELD_FILE] = "a file",
    };
    const int digits = self->kind == FIELD_INT ? 16 : 15; /* an INT has all of its own */
    const bool is_measured = self->kind == FIELD_TEXT || self->kind == FIELD_NAME;
    size_t used = (size_t)snprintf(ret, size, "%s", words[self->kind]);

    if (is_number(self) && !(isinf(self->min) && isinf(self->max)))
        snprintf(ret + used, size - used, " from %.*g to %.*g", digits, self->min, digits,
                 self->max);
    if (is_measured)
        used += (size_t)snprintf(ret + used, size - used, "%.15g to %.15g %s", self->min,
                                 self->max, unit_of(self));
    if (self->kind == FIELD_CHOICE || self->kind == FIELD_NAME)
        snprintf(ret + used, size - used, "%s%s", is_measured ? " of: " : "", self->choices);
    if (self->most)
        snprintf(ret + used, size - used, " of at most %zu %s", self->most,
                 self->kind == FIELD_LIST ? "texts" : "names");
}

/* The one sentence. */
static tm_err_t
refuse(const field_t *self, const char *seen, char why[FIELD_WHY])
{
    char allowed[FIELD_WHY - SEEN_BYTES - 32];

    field_allowed(self, allowed, sizeof(allowed));
    snprintf(why, FIELD_WHY, "%s is not %s", self->flags & FIELD_SECRET ? "it" : seen, allowed);
    return field_err(self);
}

static const char *
quote(const char *text, size_t size, char seen[SEEN_BYTES])
{
    snprintf(seen, SEEN_BYTES, "\"%.*s%s\"", size > SEEN_MAX ? SEEN_MAX : (int)size, text,
             size > SEEN_MAX ? "..." : "");
    return seen;
}

static const char *
describe(const json_t *value, char seen[SEEN_BYTES])
{
    static const char *const words[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list", [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",      [JSON_NULL] = "null",
    };

    if (json_is_string(value))
        return quote(json_string_value(value), json_string_length(value), seen);
    if (!json_is_number(value))
        return words[json_typeof(value)];
    snprintf(seen, SEEN_BYTES, "%.15g", json_number_value(value));
    return seen;
}

/* --- checks, whatever it was read from ---------------------------------------------------- */

static tm_err_t
check_number(const field_t *self, double number, const char *seen, struct field_value *ret,
             char why[FIELD_WHY])
{
    if (!(number >= self->min && number <= self->max) ||
        (self->kind == FIELD_INT && (floor(number) != number || fabs(number) > 0x1p53)))
        return refuse(self, seen, why);
    ret->number = number;
    ret->integer = self->kind == FIELD_INT ? (int64_t)number : 0;
    return TM_OK;
}

static size_t
count_characters(const char *text, size_t size)
{
    size_t count = 0;

    for (size_t i = 0; i < size; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

/* What a text holds may be a secret: only its length is said. */
static tm_err_t
check_length(const field_t *self, const char *text, size_t size, char why[FIELD_WHY])
{
    size_t count = self->flags & FIELD_CHARACTERS ? count_characters(text, size) : size;

    if (memchr(text, '\0', size))
        snprintf(why, FIELD_WHY, "holds a zero byte");
    else if ((double)count < self->min || (double)count > self->max)
        snprintf(why, FIELD_WHY, "has %zu %s, allowed are %.15g to %.15g", count, unit_of(self),
                 self->min, self->max);
    else
        return TM_OK;
    return field_err(self);
}

static bool
is_choice(const field_t *self, const char *text, size_t size)
{
    for (const char *at = self->choices; *at; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");

        if (length == size && memcmp(at, text, size) == 0)
            return true;
        at += length;
    }
    return false;
}

static bool
is_name(const field_t *self, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!text[i] || !strchr(self->choices, text[i]))
            return false;
    return (double)size >= self->min && (double)size <= self->max;
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if ((c | 32) >= 'a' && (c | 32) <= 'f')
        return (c | 32) - 'a' + 10;
    return -1;
}

static bool
read_uuid(const char *text, size_t size, uint8_t ret[16])
{
    size_t digits = 0;

    if (size != 36)
        return false;
    for (size_t i = 0; i < size; i++) {
        int digit = hex_digit(text[i]);

        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text[i] != '-')
                return false;
            continue;
        }
        if (digit < 0)
            return false;
        ret[digits / 2] = (uint8_t)(digits % 2 ? ret[digits / 2] | digit : digit << 4);
        digits++;
    }
    return true;
}

static bool
is_moment(const field_t *self, const char *text, size_t size)
{
    char copy[TIME_MAX + 1] = "";
    struct dates_moment moment;

    if (size > TIME_MAX)
        return false;
    memcpy(copy, text, size);
    return strlen(copy) == size &&
           (self->kind == FIELD_DATE ? dates_moment(copy, &moment) : dates_is_time(copy));
}

static tm_err_t
check_text(const field_t *self, const char *text, size_t size, struct field_value *ret,
           char why[FIELD_WHY])
{
    char seen[SEEN_BYTES];

    ret->text = text;
    ret->size = size;
    if (self->kind == FIELD_TEXT)
        return check_length(self, text, size, why);
    if (self->kind == FIELD_CHOICE ? is_choice(self, text, size)
        : self->kind == FIELD_NAME ? is_name(self, text, size)
        : self->kind == FIELD_UUID ? read_uuid(text, size, ret->uuid)
                                   : is_moment(self, text, size))
        return TM_OK;
    return refuse(self, quote(text, size, seen), why);
}

static tm_err_t
check_object(const field_t *self, json_t *object, struct field_value *ret, char why[FIELD_WHY])
{
    if (self->most && json_object_size(object) > self->most)
        return refuse(self, "it", why);
    ret->json = object;
    return TM_OK;
}

/* --- from text ---------------------------------------------------------------------------- */

static bool
parse_bool(const char *text, size_t size, bool *ret)
{
    static const char *const words[] = {"false", "true", "0", "1", "no", "yes", "off", "on"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strlen(words[i]) == size && strncasecmp(words[i], text, size) == 0) {
            *ret = i % 2;
            return true;
        }
    return false;
}

static bool
parse_number(const field_t *self, const char *text, size_t size, double *ret)
{
    const bool is_int = self->kind == FIELD_INT;
    char copy[FIELD_NUMBER_MAX + 1], *end;

    if (size == 0 || size > FIELD_NUMBER_MAX)
        return false;
    memcpy(copy, text, size);
    copy[size] = '\0';
    /* strtod takes blanks, hexadecimal, nan and inf too */
    if (is_int ? strspn(copy + (copy[0] == '-'), "0123456789") + (copy[0] == '-') != size
               : strspn(copy, "+-0123456789.eE") != size)
        return false;
    *ret = strtod(copy, &end);
    return end != copy && *end == '\0' && isfinite(*ret);
}

/* A list's own texts are checked where it is used, as those of a JSON body are. */
static tm_err_t
parse_list(const field_t *self, const char *text, size_t size, struct field_value *ret,
           char why[FIELD_WHY])
{
    json_t *list = size <= LIST_MAX_BYTES && json_text_depth(text, size) <= 1
                       ? json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL)
                       : NULL;

    if (json_is_array(list) && json_array_size(list) <= self->most) {
        ret->json = list;
        return TM_OK;
    }
    json_decref(list);
    return refuse(self, "it", why);
}

static tm_err_t
parse_object(const field_t *self, const char *text, size_t size, struct field_value *ret,
             char why[FIELD_WHY])
{
    json_t *object;
    tm_err_t err;

    if ((double)size > self->max) {
        snprintf(why, FIELD_WHY, "is longer than %.15g bytes", self->max);
        return field_err(self);
    }
    object = json_text_object(text, size, FIELD_DEPTH_MAX, why);
    if (!object)
        return field_err(self);
    err = check_object(self, object, ret, why);
    if (err)
        json_decref(object);
    return err;
}

tm_err_t
field_from_text(const field_t *self, const char *text, size_t size, struct field_value *ret,
                char why[FIELD_WHY])
{
    char seen[SEEN_BYTES];
    double number;

    *ret = (struct field_value){.is_true = false};
    if (is_text(self))
        return check_text(self, text, size, ret, why);
    if (self->kind == FIELD_OBJECT)
        return parse_object(self, text, size, ret, why);
    if (self->kind == FIELD_LIST)
        return parse_list(self, text, size, ret, why);
    quote(text, size, seen);
    if (is_number(self) && parse_number(self, text, size, &number))
        return check_number(self, number, seen, ret, why);
    if (self->kind == FIELD_BOOL && parse_bool(text, size, &ret->is_true))
        return TM_OK;
    return refuse(self, seen, why);
}

/* --- from JSON ---------------------------------------------------------------------------- */

tm_err_t
field_from_json(const field_t *self, json_t *value, struct field_value *ret,
                char why[FIELD_WHY])
{
    char seen[SEEN_BYTES];
    const char *text = json_string_value(value);

    *ret = (struct field_value){.is_true = json_is_true(value), .json = value};
    if (is_number(self) && json_is_number(value))
        return check_number(self, json_number_value(value), describe(value, seen), ret, why);
    if (is_text(self) && text && strlen(text) == json_string_length(value))
        return check_text(self, text, json_string_length(value), ret, why);
    if (self->kind == FIELD_OBJECT && json_is_object(value))
        return check_object(self, value, ret, why);
    if ((self->kind == FIELD_BOOL && json_is_boolean(value)) ||
        (self->kind == FIELD_LIST && json_is_array(value) &&
         json_array_size(value) <= self->most))
        return TM_OK;
    return refuse(self, describe(value, seen), why);
}

/* --- where it goes ------------------------------------------------------------------------ */

static void
print_uuid(const uint8_t uuid[16], char ret[37])
{
    char *at = ret;

    for (size_t i = 0; i < 16; i++)
        at += sprintf(at, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
}

/* A text of its own, cut to its member; a UUID in its canonical form. */
static void
store_text(const field_t *self, const struct field_value *value, char *at)
{
    if (self->size == 0)
        memcpy(at, &value->text, sizeof(value->text));
    else if (self->kind != FIELD_UUID)
        snprintf(at, self->size, "%.*s", (int)value->size, value->text);
    else if (self->size == sizeof(value->uuid))
        memcpy(at, value->uuid, sizeof(value->uuid));
    else
        print_uuid(value->uuid, at);
}

void
field_store(const field_t *self, const struct field_value *value, void *owner)
{
    char *at = (char *)owner + self->offset;
    const uint32_t narrow = (uint32_t)value->integer;

    if (self->has_at)
        memcpy((char *)owner + self->has_at, &(bool){true}, sizeof(bool));
    if (is_text(self))
        store_text(self, value, at);
    else if (self->kind == FIELD_BOOL)
        memcpy(at, &value->is_true, sizeof(value->is_true));
    else if (self->kind == FIELD_NUMBER)
        memcpy(at, &value->number, sizeof(value->number));
    else if (self->kind == FIELD_INT && self->size == sizeof(narrow))
        memcpy(at, &narrow, sizeof(narrow));
    else if (self->kind == FIELD_INT)
        memcpy(at, &value->integer, sizeof(value->integer));
    else if (self->size) /* JSON */
        *(json_t **)(void *)at = value->json;
}

json_t *
field_json(const field_t *self, const struct field_value *value)
{
    char uuid[37];

    if (self->kind == FIELD_UUID) {
        print_uuid(value->uuid, uuid);
        return json_string(uuid);
    }
    if (is_text(self))
        return json_stringn(value->text, value->size);
    if (self->kind == FIELD_BOOL)
        return json_boolean(value->is_true);
    if (is_number(self))
        return self->kind == FIELD_INT ? json_integer(value->integer)
                                       : json_real(value->number);
    return json_incref(value->json);
}
