/* Any bytes are a decimal number: refused, or read to the very bits that strtod reads. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "actors/tune/engine/decimal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *exact = malloc(size + (size == 0)), *text = strndup((const char *)data, size), *end;
    double value;

    if (exact && text) {
        memcpy(exact, data, size); /* what lies behind it is nobody's */
        assert(decimal_prefix(exact, size) <= size);
        if (decimal_parse(exact, size, &value)) {
            const double wanted = strtod(text, &end);
            assert(*end == '\0' && memcmp(&value, &wanted, sizeof value) == 0);
        }
    }
    free(text);
    free(exact);
    return 0;
}
