/* Any bytes are what a model wrote: refused with words, or shown, and then nothing is in it
 * that a page or a terminal would take for more than text. */
#include <stdlib.h>
#include <string.h>

#include "actors/explain/text_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
expect_plain(const char *text)
{
    json_t *json = json_string(text); /* NULL: not UTF-8 */

    if (!json || !text[0] || strlen(text) > 6000)
        abort();
    json_decref(json);
    for (const char *at = text; *at; at++)
        if (((unsigned char)*at < ' ' && *at != '\n' && *at != '\t') || *at == 0x7f)
            abort();
    if (strstr(text, "](") || strstr(text, "://") || strstr(text, "</"))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (unsigned i = 0; i < 2 * EXPLAIN_VERBOSITY_COUNT; i++) {
        const struct text_asked asked = {(enum explain_verbosity)(i / 2),
                                         "{\"a\":1.25,\"b\":-7e5,\"c\":\"2020-01-02\"}"};
        const char *what = NULL;
        char *text = text_check((const char *)data, size, i & 1, &asked, &what);

        if (text)
            expect_plain(text);
        else if (!what || !what[0])
            abort();
        free(text);
    }
    return 0;
}
