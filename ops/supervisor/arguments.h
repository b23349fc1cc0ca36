/* arguments - an argv that owns its texts. */
#ifndef OPS_SUPERVISOR_ARGUMENTS_H
#define OPS_SUPERVISOR_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

#define ARGUMENTS_MAX 256

struct arguments {
    char *items[ARGUMENTS_MAX + 1]; /* ends with NULL: an argv */
    size_t count;
    bool overflowed; /* more than ARGUMENTS_MAX were added: do not run it */
};

void arguments_init(struct arguments *self);
void arguments_fini(struct arguments *self);
void arguments_add(struct arguments *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
