/* Any bytes are a key: they are refused, or taken as visible ASCII that says the same again. */
#include <stdlib.h>
#include <string.h>

#include "actors/http/core/headers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char key[IDEMPOTENCY_KEY_MAX + 1];
    size_t length;

    if (idempotency_key_parse((const char *)data, size, key))
        return 0;
    length = strlen(key);
    if (length == 0 || length > IDEMPOTENCY_KEY_MAX)
        abort();
    for (size_t i = 0; i < length; i++)
        if (key[i] <= 0x20 || key[i] >= 0x7f)
            abort();
    return 0;
}
