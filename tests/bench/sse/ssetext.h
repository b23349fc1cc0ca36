/* Bytes that grow, and the numbers in them. */
#ifndef SSETEXT_H
#define SSETEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    char *p;
    size_t len, cap;
};

void text_add(struct text *t, const char *p, size_t n);

/* The number behind the key, which may be quoted; false if there is none. */
bool text_number_after(const struct text *t, const char *key, int64_t *out);

#endif
