/* Any bytes are a small body: it is refused with a problem, or an object whose members are
 * read. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "actors/http/core/json_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const char *type, const char *data, size_t size)
{
    const field_t row = {.name = "token", .kind = FIELD_TEXT, .max = 65536};
    const struct fields table = {&row, 1};
    struct problem problem = {0};
    const char *text = NULL;
    json_t *body = json_body_or_form(type, data, size, &problem);

    assert(!body == !!problem.err);
    if (!body)
        return;
    assert(json_body_fields(body, &table, &text, &problem) == !problem.err);
    assert(!text || strlen(text) <= size);
    json_decref(body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;

    check("application/x-www-form-urlencoded", text, size);
    check("application/json", text, size);
    return 0;
}
