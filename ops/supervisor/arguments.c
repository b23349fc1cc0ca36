#include "ops/supervisor/arguments.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
arguments_init(struct arguments *self)
{
    memset(self, 0, sizeof *self);
}

void
arguments_fini(struct arguments *self)
{
    for (size_t i = 0; i < self->count; i++)
        free(self->items[i]);
    arguments_init(self);
}

void
arguments_add(struct arguments *self, const char *format, ...)
{
    va_list values;
    char *text = NULL;

    if (self->count == ARGUMENTS_MAX) {
        self->overflowed = true;
        return;
    }
    va_start(values, format);
    if (vasprintf(&text, format, values) < 0)
        abort(); /* a small allocation */
    va_end(values);
    self->items[self->count++] = text;
}
