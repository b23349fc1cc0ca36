/* Any words are a method and a path: a row of the table, or what the path would allow. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "actors/http/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size), *path = text;
    struct route_match match;

    if (!text)
        return 0;
    const char *method = strsep(&path, " ");
    const tm_err_t err = route_find(&http_routes, method, path ? path : "", &match);
    assert(err == TM_OK || err == TM_NOT_FOUND || err == TM_METHOD_NOT_ALLOWED);
    if (err == TM_OK)
        assert(match.route && match.id.size <= strlen(path ? path : ""));
    if (err == TM_METHOD_NOT_ALLOWED)
        assert(match.allow[0] && strlen(match.allow) < sizeof match.allow);
    free(text);
    return 0;
}
