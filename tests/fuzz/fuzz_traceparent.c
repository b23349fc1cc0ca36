/* Any bytes are a traceparent: they are refused, or what is said of them is one again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/runtime/traceparent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[TRACEPARENT_TEXT];
    traceparent_t trace, again;

    if (!traceparent_parse((const char *)data, size, &trace))
        return 0;
    traceparent_text(&trace, text);
    if (!traceparent_parse(text, strlen(text), &again) ||
        strcmp(trace.trace_id, again.trace_id) != 0)
        abort();
    return 0;
}
