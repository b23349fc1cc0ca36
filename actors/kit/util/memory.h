/* memory - growing a piece of memory; out of memory ends the process, as zmalloc does. */
#ifndef ACTORS_KIT_UTIL_MEMORY_H
#define ACTORS_KIT_UTIL_MEMORY_H

#include <stdio.h>
#include <stdlib.h>

static inline void *
tm_grown(void *memory, size_t size)
{
    void *fresh = realloc(memory, size);

    if (!fresh) {
        fprintf(stderr, "out of memory: %zu bytes\n", size);
        abort();
    }
    return fresh;
}

#endif
