/* Any bytes are a value, as text and as JSON: refused with a sentence, or a value that reads
 * back as the same. The first byte chooses the row. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/fields/fields.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const field_t inner_rows[] = {
    {FIELD_IS_NUMBER("weight", 0, 1), .flags = FIELD_REQUIRED}};
static const struct fields inner = FIELDS_OF(inner_rows);

static const field_t rows[] = {
    {FIELD_IS("is", BOOL)},
    {FIELD_IS_INT("count", -5, 9007199254740991.0)},
    {FIELD_IS_NUMBER("share", -1e300, 1e300)},
    {FIELD_IS_TEXT("text", 1, 20)},
    {FIELD_IS_TEXT("prose", 0, 20), .flags = FIELD_CHARACTERS},
    {FIELD_IS_CHOICE("how", "grid random tpe")},
    {FIELD_IS("name", NAME), .choices = "abc._-", .min = 1, .max = 8},
    {FIELD_IS("id", UUID)},
    {FIELD_IS("day", DATE)},
    {FIELD_IS("at", TIME)},
    {FIELD_IS("space", OBJECT), .max = 1000, .most = 4},
    {FIELD_IS("list", LIST), .min = 1, .max = 5, .most = 3},
    {FIELD_IS("inner", OBJECT), .members = &inner},
};
static const struct fields table = FIELDS_OF(rows);

static void
tell(void *arg, tm_err_t err, const char *name, const char *why)
{
    (void)arg;
    assert(err && name && why[0]);
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
