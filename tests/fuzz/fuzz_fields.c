/* Any bytes are a value, as text and as JSON: refused with a sentence, or a value that reads
 * back as the same. The first byte chooses the row. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/fields/fields.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const field_t inner_rows[] = {
    {.name = "weight", .kind = FIELD_NUMBER, .max = 1, .flags = FIELD_REQUIRED}};
static const struct fields inner = FIELDS_OF(inner_rows);

static const field_t rows[] = {
    {.name = "is", .kind = FIELD_BOOL, .flags = FIELD_YES_NO},
    {.name = "count", .kind = FIELD_INT, .min = -5, .max = 9007199254740991.0},
    {.name = "share", .kind = FIELD_NUMBER, .min = -1e300, .max = 1e300},
    {.name = "text", .kind = FIELD_TEXT, .min = 1, .max = 20},
    {.name = "prose", .kind = FIELD_TEXT, .max = 20, .flags = FIELD_CHARACTERS},
    {.name = "how", .kind = FIELD_CHOICE, .choices = "grid random tpe"},
    {.name = "name", .kind = FIELD_NAME, .choices = "abc._-", .min = 1, .max = 8},
    {.name = "id", .kind = FIELD_UUID},
    {.name = "day", .kind = FIELD_DATE},
    {.name = "at", .kind = FIELD_TIME},
    {.name = "space", .kind = FIELD_OBJECT, .max = 1000, .most = 4},
    {.name = "list", .kind = FIELD_LIST, .min = 1, .max = 5, .most = 3},
    {.name = "inner", .kind = FIELD_OBJECT, .members = &inner},
};
static const struct fields table = FIELDS_OF(rows);

static void
tell(void *arg, tm_err_t err, const char *name, const char *why)
{
    (void)arg;
    assert(err && name[0] && why[0]);
}

/* As text, and what it becomes as JSON: the same value. */
static void
check_text(const field_t *row, const char *text, size_t size)
{
    char why[FIELD_WHY] = "";
    struct field_value value, again;

    if (field_from_text(row, text, size, &value, why)) {
        assert(why[0] && strlen(why) < FIELD_WHY);
        return;
    }
    json_t *json = field_json(row, &value);
    if (json) { /* a text may be no UTF-8 */
        const tm_err_t err = field_from_json(row, json, &again, why);
        assert(!err && again.is_true == value.is_true && again.integer == value.integer &&
               memcmp(again.uuid, value.uuid, sizeof(value.uuid)) == 0);
    }
    json_decref(json);
    if (row->kind == FIELD_OBJECT)
        json_decref(value.json);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char *exact = malloc(size), *name = strndup((const char *)data, size);
    json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    char why[FIELD_WHY];

    if (exact && name) {
        memcpy(exact, data + 1, size - 1); /* what lies behind it is nobody's */
        check_text(&rows[data[0] % table.count], exact, size - 1);
        fields_unknown(&table, FIELDS_ALL, name, why);
        assert(fields_distance(name, name) == 0);
    }
    if (json_is_object(json))
        fields_read(&table, json, NULL, tell, NULL);
    json_decref(json);
    free(name);
    free(exact);
    return 0;
}
