/* Any answer is Qdrant's, with a status and numbers or nothing for counts, or it is none. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "actors/health/probes_inner.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char status[32] = "";
    json_t *details = qdrant_read((const char *)data, size, "c", status);
    const json_t *count;

    if (!details)
        return 0;
    count = json_object_get(details, "vectors_count");
    if (!memchr(status, '\0', sizeof(status)) ||
        (!json_is_integer(count) && !json_is_null(count)) ||
        !json_is_string(json_object_get(details, "collection_status")))
        abort();
    json_decref(details);
    return 0;
}
