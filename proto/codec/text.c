#include <string.h>

#include "proto/codec/fields.h"

/* Length of the UTF-8 sequence at `at`, 0 if there is none: no overlong forms, no surrogates,
 * nothing above U+10FFFF, no NUL. */
static size_t
sequence_size(const unsigned char *at, size_t left)
{
    static const struct {
        unsigned char first, last, low, high; /* of the lead byte; bounds of the second */
        size_t size;
    } forms[] = {
        {0x01, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (at[0] < forms[i].first || at[0] > forms[i].last)
            continue;
        if (forms[i].size > left)
            return 0;
        if (forms[i].size > 1 && (at[1] < forms[i].low || at[1] > forms[i].high))
            return 0;
        for (size_t k = 2; k < forms[i].size; k++)
            if ((at[k] & 0xc0) != 0x80)
                return 0;
        return forms[i].size;
    }
    return 0;
}

bool
text_is_utf8(const char *data, size_t size)
{
    const unsigned char *at = (const unsigned char *)data;

    while (size > 0) {
        size_t step = sequence_size(at, size);
        if (step == 0)
            return false;
        at += step;
        size -= step;
    }
    return true;
}

tm_str_t
tm_text_clean(const char *text, char *buffer, size_t size)
{
    const unsigned char *at = (const unsigned char *)(text ? text : "");
    size_t left = strlen((const char *)at);
    size_t used = 0;

    while (left > 0 && used < size) {
        size_t step = sequence_size(at, left);
        if (step > size - used)
            break;
        if (step > 0)
            memcpy(buffer + used, at, step);
        else
            buffer[used] = '?';
        used += step > 0 ? step : 1;
        at += step > 0 ? step : 1;
        left -= step > 0 ? step : 1;
    }
    return (tm_str_t){buffer, used};
}

tm_str_t
tm_str(const char *text)
{
    return (tm_str_t){text ? text : "", text ? strlen(text) : 0};
}

bool
tm_str_is(tm_str_t self, const char *text)
{
    return strlen(text) == self.size &&
           (self.size == 0 || memcmp(self.data, text, self.size) == 0);
}

bool
tm_state_is_over(tm_str_t state)
{
    return tm_str_is(state, "done") || tm_str_is(state, "dead") ||
           tm_str_is(state, "canceled") || tm_str_is(state, "rejected");
}

char *
tm_str_dup(tm_str_t self)
{
    char *text = zmalloc(self.size + 1);
    if (self.size > 0)
        memcpy(text, self.data, self.size);
    return text;
}
