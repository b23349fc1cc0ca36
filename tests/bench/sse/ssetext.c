#define _GNU_SOURCE
#include "ssetext.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
text_add(struct text *t, const char *p, size_t n)
{
    if (t->len + n > t->cap) {
        t->cap = (t->len + n) * 2;
        if (!(t->p = realloc(t->p, t->cap))) {
            perror("realloc");
            exit(2);
        }
    }
    memcpy(t->p + t->len, p, n);
    t->len += n;
}

bool
text_number_after(const struct text *t, const char *key, int64_t *out)
{
    size_t n = strlen(key);
    char *p = memmem(t->p, t->len, key, n), *end = t->p + t->len;
    if (!p)
        return false;
    for (p += n; p < end && (*p == ' ' || *p == '"'); p++)
        ;
    if (p == end || !isdigit((unsigned char)*p))
        return false;
    for (*out = 0; p < end && isdigit((unsigned char)*p); p++)
        *out = *out * 10 + (*p - '0');
    return true;
}
