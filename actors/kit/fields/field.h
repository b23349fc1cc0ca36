/* field - one typed, bounded value from outside: what it may be is a row, read in one place.
 *
 * Settings, the fields of a form, query parameters, the members of a JSON body and of a
 * strategy, and options of a command line are rows of this one type. A row reads from text or
 * from JSON; both go through the same check, and are refused with the same sentence, which says
 * what was seen and what is allowed: "0 is not a whole number from 1 to 200".
 *
 * Depends on the C library and jansson alone.
 */
#ifndef ACTORS_KIT_FIELDS_FIELD_H
#define ACTORS_KIT_FIELDS_FIELD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/error.h"

/* What a row is, and in brackets the member that field_store writes. */
typedef enum {
    FIELD_BOOL,   /* true, false, 1, 0, yes, no, on, off in a text, capitals or not  (bool) */
    FIELD_INT,    /* digits, from min to max, which are within 2^53  (int64_t or uint32_t) */
    FIELD_NUMBER, /* finite, from min to max  (double) */
    FIELD_TEXT,   /* of min to max bytes; FIELD_CHARACTERS: characters */
    FIELD_CHOICE, /* one of the words in `choices`, which spaces separate */
    FIELD_NAME,   /* min to max characters, each one of those in `choices` */
    FIELD_UUID,   /* canonical or in capitals  (16 bytes, or a text in small letters) */
    FIELD_DATE,   /* a day that exists, YYYY-MM-DD, or a time of one: dates.h */
    FIELD_TIME,   /* RFC 3339 in UTC since 1970, 2026-03-01T12:30:00.000Z */
    FIELD_OBJECT, /* a JSON object of at most `most` names; as text at most max bytes  (json_t
                   *) */
    FIELD_LIST,   /* a JSON list of at most `most` texts of min to max characters  (json_t *) */
    FIELD_FILE    /* a file; known by its name, and read by others */
} field_kind_t;

enum {
    FIELD_REQUIRED = 1,
    FIELD_SECRET = 2,     /* its value is in no sentence */
    FIELD_CHARACTERS = 8, /* of a TEXT */
    FIELD_ELSEWHERE = 16, /* a known name whose value others read */
    FIELD_OWN = 256       /* this flag and higher ones mean what the table's owner says */
};

#define FIELD_NAME_MAX   160 /* bytes of a place, as "intent.topics[1]" */
#define FIELD_WHY        512 /* bytes of a sentence */
#define FIELD_DEPTH_MAX  8   /* of an object given as text */
#define FIELD_NUMBER_MAX 64  /* bytes of a number */

struct fields;

typedef struct field {
    const char *name;
    field_kind_t kind;
    const char *choices;
    const char *standard; /* the default, as text; NULL: none */
    double min, max;
    size_t most;
    unsigned flags;
    tm_err_t err; /* what it is refused with; TM_OK: TM_VALIDATION_FAILED */
    const char *help;
    /* Of an OBJECT, where they are known; else NULL. They go into the struct at `offset`, and
     * are only checked where size is 0. */
    const struct fields *members;
    /* Where field_store puts the value. size: of the member; 0: a text is not copied, the
     * member is a const char *. has_at: a bool there becomes true; 0: there is none. */
    size_t offset, size, has_at;
} field_t;

/* Of rows with designated initialisers: {FIELD_IS_INT("top_k", 1, 50), FIELD_AT(struct x,
 * top_k)} */
#define FIELD_IS(name_, KIND)             .name = (name_), .kind = FIELD_##KIND
#define FIELD_IS_INT(name, min_, max_)    FIELD_IS(name, INT), .min = (min_), .max = (max_)
#define FIELD_IS_NUMBER(name, min_, max_) FIELD_IS(name, NUMBER), .min = (min_), .max = (max_)
#define FIELD_IS_TEXT(name, min_, max_)   FIELD_IS(name, TEXT), .min = (min_), .max = (max_)
#define FIELD_IS_CHOICE(name, words)      FIELD_IS(name, CHOICE), .choices = (words)

#define FIELD_MEMBER(type, member)        (((type *)0)->member)
#define FIELD_AT(type, member)                                             \
    .offset = offsetof(type, member),                                      \
    .size = _Generic(FIELD_MEMBER(type, member), const char * : 0, default \
                     : sizeof(FIELD_MEMBER(type, member)))
#define FIELD_HAS(type, member) .has_at = offsetof(type, member)

/* A value that was read. Texts are borrowed from what they were read from, and so is json, but
 * of an OBJECT or a LIST that was read from text: that one is the caller's. */
struct field_value {
    bool is_true;
    int64_t integer;
    double number;
    const char *text;
    size_t size;
    json_t *json;
    uint8_t uuid[16];
};

/* On error (the row's) `why` is the sentence. text need not be terminated, unless it is stored
 * as a const char *. */
TM_CHECKED tm_err_t field_from_text(const field_t *self, const char *text, size_t size,
                                    struct field_value *ret, char why[FIELD_WHY]);
/* Types are JSON's: "5" is no number. */
TM_CHECKED tm_err_t field_from_json(const field_t *self, json_t *value, struct field_value *ret,
                                    char why[FIELD_WHY]);

void field_store(const field_t *self, const struct field_value *value, void *owner);
json_t *field_json(const field_t *self, const struct field_value *value); /* the caller's */

/* "a whole number from 1 to 200" */
void field_allowed(const field_t *self, char *ret, size_t size);
tm_err_t field_err(const field_t *self); /* what it is refused with */

#endif
