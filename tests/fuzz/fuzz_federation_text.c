/* Any bytes are a text of metrics: what is taken can be summed, and merged alone is good again
 * and has the same series, and with itself has each twice. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/runtime/federation_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
series_of(const char *text, size_t size)
{
    size_t count = 0;

    for (const char *at = text, *end = text + size; at < end;) {
        count += *at != '#';
        at = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
    }
    return count;
}

static void
check_merge(const tm_str_t *texts, size_t count, size_t series)
{
    char *merged = NULL;
    size_t size, line;
    FILE *out = open_memstream(&merged, &size);
    bool is_merged = out && federation_text_merge(out, texts, count);

    assert(is_merged);
    fclose(out);
    assert(series_of(merged, size) == series);
    if (count == 1)
        assert(
            federation_text_check((tm_str_t){merged, size}, tm_str("a"), tm_str("i"), &line));
    free(merged);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tm_str_t text = {(const char *)data, size}, both[2] = {text, text};
    size_t line, count;

    federation_text_sum(text, "a", "k=\"v\"");
    if (!federation_text_check(text, tm_str("a"), tm_str("i"), &line))
        return 0;
    count = series_of(text.data, text.size);
    check_merge(both, 1, count);
    check_merge(both, 2, 2 * count);
    return 0;
}
