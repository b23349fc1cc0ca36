/* fields - a table of rows (field.h): the one list of the names that a place takes.
 *
 * A name that is not in the table is refused, with the nearest one that is. */
#ifndef ACTORS_KIT_FIELDS_FIELDS_H
#define ACTORS_KIT_FIELDS_FIELDS_H

#include "actors/kit/fields/field.h"

struct fields {
    const field_t *rows;
    size_t count;
};

#define FIELDS_OF(table)                            \
    {                                               \
        (table), sizeof(table) / sizeof((table)[0]) \
    }

/* sets: rows that have one of these flags count, the others are not there. NULL: there is none.
 */
#define FIELDS_ALL (~0U)
const field_t *fields_find(const struct fields *self, unsigned sets, const char *name);

/* Why a name is refused (TM_UNKNOWN_FIELD): "is not known here; did you mean n_trials?" */
void fields_unknown(const struct fields *self, unsigned sets, const char *name,
                    char why[FIELD_WHY]);

/* Told of everything that is wrong, one by one; name: "top_k", "intent.topics[1]". */
typedef void fields_tell_fn(void *arg, tm_err_t err, const char *name, const char *why);

/* One that keeps the first fault. */
struct fields_first {
    tm_err_t err; /* TM_OK at the start */
    char name[FIELD_NAME_MAX], why[FIELD_WHY];
};
void fields_tell_first(void *first, tm_err_t err, const char *name, const char *why);

/* Every member of the object into `owner` (NULL: it is only checked). A member that is null is
 * absent. Unknown names are told first, then the rows' faults in their order. */
void fields_read(const struct fields *self, json_t *object, void *owner, fields_tell_fn *tell,
                 void *arg);
/* The same, of an object that a later version of us may have written: what is not known is left
 * alone. */
void fields_read_known(const struct fields *self, json_t *object, void *owner,
                       fields_tell_fn *tell, void *arg);
/* The rows' defaults. */
void fields_default(const struct fields *self, void *owner);

/* The best of the candidates that are offered one by one: NULL until one is close enough to
 * `name` to be a slip of the hand. */
struct fields_near {
    const char *name, *best;
    size_t distance;
};
void fields_near(struct fields_near *self, const char *candidate);
const char *fields_nearest(const char *name, const char *const *candidates, size_t count);
/* In letters changed, left out, put in, or exchanged with the next; case does not count. */
size_t fields_distance(const char *a, const char *b);

#endif
