/* Any header limits for a time that is not in the past, and no limit gets shorter by another.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/sentry/sentry_limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *
text_of(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const int64_t now_ms = 123456789;
    char *text = text_of(data, size);
    struct sentry_limits first = {{0, 0}}, again;

    sentry_limits_read(&first, text, now_ms);
    again = first;
    sentry_limits_read(&again, text, now_ms - 1000);
    for (unsigned i = 0; i < SENTRY_CATEGORY_COUNT; i++)
        if ((first.until_ms[i] && first.until_ms[i] < now_ms) ||
            again.until_ms[i] != first.until_ms[i])
            abort();
    sentry_limits_refused(&first, text, now_ms, 1795496400123);
    if (first.until_ms[SENTRY_ERROR] < now_ms || first.until_ms[SENTRY_TRANSACTION] < now_ms)
        abort();
    free(text);
    return 0;
}
