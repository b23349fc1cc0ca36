/* text - bytes on their way to become a table: borrowed, or owned by whoever holds this. */
#ifndef ACTORS_TUNE_DATA_TEXT_H
#define ACTORS_TUNE_DATA_TEXT_H

#include <stddef.h>
#include <stdlib.h>

struct text {
    const char *at;
    size_t size;
    char *owned; /* NULL: borrowed */
};

/* What it owned is freed, the new bytes are owned. */
static inline void
text_take(struct text *self, char *owned, size_t size)
{
    free(self->owned);
    *self = (struct text){.at = owned, .size = size, .owned = owned};
}

#endif
