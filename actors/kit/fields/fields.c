#include "actors/kit/fields/fields.h"

#include <stdio.h>
#include <string.h>

enum {
    NAME_MAX_BYTES = 64, /* of names that are compared */
    NEAR_MAX = 4,        /* further off is another word */
    NAMED_MAX = 6,       /* so few names are listed where none is near */
};

/* --- near names --------------------------------------------------------------------------- */

static char
small(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return c;
}

static size_t
least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool
is_same(char a, char b)
{
    return small(a) == small(b);
}

/* rows: of the distances from the first i letters of a, i modulo 3, to each beginning of b. */
static void
next_row(size_t rows[3][NAME_MAX_BYTES + 1], const char *a, size_t i, const char *b,
         size_t size)
{
    size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

    row[0] = i;
    for (size_t j = 1; j <= size; j++) {
        row[j] =
            least(above[j - 1] + !is_same(a[i - 1], b[j - 1]), least(above[j], row[j - 1]) + 1);
        if (i > 1 && j > 1 && is_same(a[i - 1], b[j - 2]) && is_same(a[i - 2], b[j - 1]))
            row[j] = least(row[j], before[j - 2] + 1);
    }
}

size_t
fields_distance(const char *a, const char *b)
{
    size_t rows[3][NAME_MAX_BYTES + 1], a_size = strnlen(a, NAME_MAX_BYTES),
                                        b_size = strnlen(b, NAME_MAX_BYTES);

    for (size_t j = 0; j <= b_size; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_size; i++)
        next_row(rows, a, i, b, b_size);
    return rows[a_size % 3][b_size];
}

void
fields_near(struct fields_near *self, const char *candidate)
{
    size_t distance = fields_distance(self->name, candidate), size = strlen(self->name);

    if (distance > (size < 4 ? 1 : least(size / 3 + 1, NEAR_MAX)) ||
        (self->best && distance >= self->distance))
        return;
    self->best = candidate;
    self->distance = distance;
}

const char *
fields_nearest(const char *name, const char *const *candidates, size_t count)
{
    struct fields_near near = {.name = name};

    for (size_t i = 0; i < count; i++)
        fields_near(&near, candidates[i]);
    return near.best;
}

/* --- names of a table --------------------------------------------------------------------- */

static bool
is_in(const field_t *row, unsigned sets)
{
    return sets == FIELDS_ALL || (row->flags & sets) != 0;
}

const field_t *
fields_find(const struct fields *self, unsigned sets, const char *name)
{
    for (size_t i = 0; i < self->count; i++)
        if (is_in(&self->rows[i], sets) && strcmp(self->rows[i].name, name) == 0)
            return &self->rows[i];
    return NULL;
}

static void
list_names(const struct fields *self, unsigned sets, char why[FIELD_WHY])
{
    size_t count = 0, used = 0;

    for (size_t i = 0; i < self->count; i++)
        count += is_in(&self->rows[i], sets);
    used = (size_t)snprintf(why, FIELD_WHY, "is not known here%s",
                            count == 0           ? "; nothing is taken"
                            : count <= NAMED_MAX ? "; known: "
                                                 : "");
    for (size_t i = 0; count <= NAMED_MAX && i < self->count && used < FIELD_WHY; i++)
        if (is_in(&self->rows[i], sets))
            used += (size_t)snprintf(why + used, FIELD_WHY - used, "%s%s", self->rows[i].name,
                                     --count ? ", " : "");
}

void
fields_unknown(const struct fields *self, unsigned sets, const char *name, char why[FIELD_WHY])
{
    struct fields_near near = {.name = name};

    for (size_t i = 0; i < self->count; i++)
        if (is_in(&self->rows[i], sets))
            fields_near(&near, self->rows[i].name);
    if (near.best)
        snprintf(why, FIELD_WHY, "is not known here; did you mean %s?", near.best);
    else
        list_names(self, sets, why);
}

void
fields_tell_first(void *arg, tm_err_t err, const char *name, const char *why)
{
    struct fields_first *first = arg;

    if (first->err)
        return;
    first->err = err;
    snprintf(first->name, sizeof(first->name), "%s", name);
    snprintf(first->why, sizeof(first->why), "%s", why);
}

/* --- whole objects ------------------------------------------------------------------------ */

struct reader {
    fields_tell_fn *tell;
    void *arg;
    bool is_tolerant;
    const char *prefix; /* "intent." */
    char *owner;
};

static void
say(const struct reader *self, tm_err_t err, const char *name, const char *why)
{
    char path[FIELD_NAME_MAX];

    snprintf(path, sizeof(path), "%s%s", self->prefix, name);
    self->tell(self->arg, err, path, why);
}

static void
refuse_unknown(const struct reader *self, const struct fields *table, json_t *object)
{
    char why[FIELD_WHY];
    const char *name;
    json_t *value;

    json_object_foreach(object, name, value)
    {
        if (fields_find(table, FIELDS_ALL, name))
            continue;
        fields_unknown(table, FIELDS_ALL, name, why);
        say(self, TM_UNKNOWN_FIELD, name, why);
    }
}

static void
read_list(const struct reader *self, const field_t *row, const json_t *list)
{
    const field_t item = {.kind = FIELD_TEXT,
                          .min = row->min,
                          .max = row->max,
                          .flags = row->flags | FIELD_CHARACTERS,
                          .err = row->err};

    for (size_t i = 0; i < json_array_size(list); i++) {
        char name[FIELD_NAME_MAX], why[FIELD_WHY];
        struct field_value value;
        tm_err_t err = field_from_json(&item, json_array_get(list, i), &value, why);

        snprintf(name, sizeof(name), "%s[%zu]", row->name, i);
        if (err)
            say(self, err, name, why);
    }
}

static void read_rows(const struct reader *self, const struct fields *table, json_t *object);

static void
read_members(const struct reader *self, const field_t *row, json_t *object)
{
    char prefix[FIELD_NAME_MAX];
    struct reader inner = *self;

    snprintf(prefix, sizeof(prefix), "%s%s.", self->prefix, row->name);
    inner.prefix = prefix;
    inner.owner = self->owner && row->size ? self->owner + row->offset : NULL;
    read_rows(&inner, row->members, object);
}

static void
read_row(const struct reader *self, const field_t *row, json_t *given)
{
    char why[FIELD_WHY];
    struct field_value value;
    tm_err_t err;

    if (!given || json_is_null(given)) {
        if (row->flags & FIELD_REQUIRED)
            say(self, field_err(row), row->name, "is missing");
        return;
    }
    err = field_from_json(row, given, &value, why);
    if (err) {
        say(self, err, row->name, why);
        return;
    }
    if (row->kind == FIELD_LIST)
        read_list(self, row, given);
    if (row->members)
        read_members(self, row, given);
    else if (self->owner)
        field_store(row, &value, self->owner);
}

static void
read_rows(const struct reader *self, const struct fields *table, json_t *object)
{
    if (!self->is_tolerant)
        refuse_unknown(self, table, object);
    for (size_t i = 0; i < table->count; i++)
        if (!(table->rows[i].flags & FIELD_ELSEWHERE))
            read_row(self, &table->rows[i], json_object_get(object, table->rows[i].name));
}

void
fields_read(const struct fields *self, json_t *object, void *owner, fields_tell_fn *tell,
            void *arg)
{
    read_rows(&(struct reader){.tell = tell, .arg = arg, .prefix = "", .owner = owner}, self,
              object);
}

void
fields_read_known(const struct fields *self, json_t *object, void *owner, fields_tell_fn *tell,
                  void *arg)
{
    read_rows(&(struct reader){tell, arg, .is_tolerant = true, .prefix = "", .owner = owner},
              self, object);
}

void
fields_default(const struct fields *self, void *owner)
{
    for (size_t i = 0; i < self->count; i++) {
        const field_t *row = &self->rows[i];
        char why[FIELD_WHY];
        struct field_value value;
        field_t silent = *row;

        silent.has_at = 0; /* it was not given */
        if (row->standard &&
            !field_from_text(row, row->standard, strlen(row->standard), &value, why))
            field_store(&silent, &value, owner);
    }
}
