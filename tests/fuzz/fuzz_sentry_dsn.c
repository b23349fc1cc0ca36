/* Any bytes are a DSN: they are refused, or what is made of them is an address and a key that
 * fit into a request. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/sentry/sentry_dsn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char end[] = "/envelope/";
    struct sentry_dsn dsn;
    size_t length;

    if (!sentry_dsn_parse((const char *)data, size, &dsn))
        return 0;
    length = strlen(dsn.url);
    if (strcspn(dsn.url, " \r\n@?#\"") != length || strncmp(dsn.url, "http", 4) != 0 ||
        length < sizeof(end) || strcmp(dsn.url + length - sizeof(end) + 1, end) != 0)
        abort();
    if (!dsn.key[0] || strcspn(dsn.key, " \r\n,=:@\"") != strlen(dsn.key))
        abort();
    return 0;
}
