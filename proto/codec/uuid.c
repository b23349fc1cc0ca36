#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "proto/uuid.h"

/* Without randomness two jobs could share an id, which loses one of them: better to stop. */
static void
fill_random(uint8_t *bytes, size_t size)
{
    while (getrandom(bytes, size, 0) != (ssize_t)size)
        if (errno != EINTR)
            abort();
}

tm_uuid_t
tm_uuid_new(void)
{
    tm_uuid_t uuid;
    struct timespec now;

    fill_random(uuid.bytes, sizeof uuid.bytes);
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    for (int i = 0; i < 6; i++)
        uuid.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    uuid.bytes[6] = (uint8_t)(0x70 | (uuid.bytes[6] & 0x0f)); /* version 7 */
    uuid.bytes[8] = (uint8_t)(0x80 | (uuid.bytes[8] & 0x3f)); /* variant of RFC 9562 */
    return uuid;
}

bool
tm_uuid_is(const tm_uuid_t *a, const tm_uuid_t *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool
tm_uuid_is_nil(const tm_uuid_t *self)
{
    static const tm_uuid_t nil;
    return tm_uuid_is(self, &nil);
}

static int
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool
is_dash_place(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

tm_err_t
tm_uuid_parse(const char *text, size_t size, tm_uuid_t *ret)
{
    tm_uuid_t uuid = {{0}};
    size_t digit = 0;

    if (!text || size != TM_UUID_TEXT - 1)
        return TM_BAD_REQUEST;
    for (size_t i = 0; i < size; i++) {
        if (is_dash_place(i)) {
            if (text[i] != '-')
                return TM_BAD_REQUEST;
            continue;
        }
        int value = hex_value(text[i]);
        if (value < 0)
            return TM_BAD_REQUEST;
        uuid.bytes[digit / 2] = (uint8_t)(uuid.bytes[digit / 2] << 4 | value);
        digit++;
    }
    *ret = uuid;
    return TM_OK;
}

const char *
tm_uuid_text(const tm_uuid_t *self, char text[TM_UUID_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    char *at = text;

    for (size_t i = 0; i < sizeof self->bytes; i++) {
        if (is_dash_place((size_t)(at - text)))
            *at++ = '-';
        *at++ = digits[self->bytes[i] >> 4];
        *at++ = digits[self->bytes[i] & 15];
    }
    *at = '\0';
    return text;
}
