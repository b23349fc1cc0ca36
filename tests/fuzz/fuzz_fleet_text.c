/* Any bytes are a text of metrics: what is taken can be summed, and merged with itself has each
 * series twice and nothing else. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/fleet_text.h"

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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tm_str_t text = {(const char *)data, size}, both[2] = {text, text};
    size_t line, merged_size;
    char *merged = NULL;
    FILE *out;

    fleet_text_sum(text, "a", "k=\"v\"");
    if (!fleet_text_check(text, tm_str("a"), tm_str("i"), &line))
        return 0;
    out = open_memstream(&merged, &merged_size);
    assert(out && fleet_text_merge(out, both, 2));
    fclose(out);
    assert(fleet_text_check((tm_str_t){merged, merged_size}, tm_str("a"), tm_str("i"), &line));
    assert(series_of(merged, merged_size) == 2 * series_of(text.data, text.size));
    free(merged);
    return 0;
}
