/* Any bytes are the parameters of an address, name=value&name=value. */
#include <stdlib.h>
#include <string.h>

#include "actors/http/core/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = calloc(1, size + 1), *rest = text, *pair;
    struct problem problem = {0};
    struct query query;

    if (!text)
        return 0;
    memcpy(text, data, size);
    query_init(&query);
    while ((pair = strsep(&rest, "&"))) {
        char *value = pair;
        const char *name = strsep(&value, "=");

        if (value && query_unescape(value) != strlen(value))
            abort();
        query_set(&query, ~0u, name, value, &problem);
    }
    query_end(&query, ~0u, &problem);
    if (query.tune_id.count > QUERY_UUIDS_MAX || (!problem.err && query.tune_id.count < 2))
        abort();
    if (query.limit < 1 || query.limit > 200 || query.offset < 0)
        abort();
    if (problem.err)
        free(problem_render(&problem, NULL));
    free(text);
    return 0;
}
