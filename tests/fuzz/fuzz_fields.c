/* Any bytes are a small body: it is refused with a problem, or its fields are texts. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "actors/http/core/fields.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const char *type, const char *data, size_t size)
{
    struct problem problem = {0};
    fields_t *fields = fields_new(type, data, size, &problem);
    const char *text;

    assert(!fields == !!problem.err);
    if (!fields)
        return;
    text = fields_text(fields, "token");
    assert(!text || strlen(text) <= size);
    fields_destroy(&fields);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;

    check("application/x-www-form-urlencoded", text, size);
    check("application/json", text, size);
    return 0;
}
