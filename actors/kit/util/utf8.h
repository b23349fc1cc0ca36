/* utf8 - the reader of characters (RFC 3629). */
#ifndef ACTORS_KIT_UTIL_UTF8_H
#define ACTORS_KIT_UTIL_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at text, of which `size` (not 0) are there; 0: there is none. */
static inline size_t
utf8_read(const unsigned char *text, size_t size, uint32_t *ret)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const size_t length = *text < 0x80       ? 1
                          : *text >> 5 == 6  ? 2
                          : *text >> 4 == 14 ? 3
                          : *text >> 3 == 30 ? 4
                                             : 0;
    uint32_t value = length == 1 ? *text : *text & (0x7Fu >> length);

    if (length == 0 || length > size)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if (text[i] >> 6 != 2)
            return 0;
        value = value << 6 | (text[i] & 0x3Fu);
    }
    *ret = value;
    return value < least[length] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)
               ? 0
               : length;
}

#endif
