/* Any text is a Retry-After: unusable, or a time that lies ahead and has a bound; and no later
 * clock makes it longer. A zero byte parts the two headers. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/sentry/retry_after.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const int64_t now_ms = INT64_C(1795496400500);
    char text[128];
    const char *second;
    int64_t ms, later_ms;

    if (size >= sizeof(text))
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    second = strlen(text) < size ? text + strlen(text) + 1 : NULL;
    ms = retry_after_ms(text, second, now_ms);
    later_ms = retry_after_ms(text, second, now_ms + 60000);
    if (ms < -1 || ms > RETRY_AFTER_MOST_MS || later_ms > ms || (ms < 0) != (later_ms < 0))
        abort();
    return 0;
}
