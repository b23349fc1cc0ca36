/* embedded - the files of migrations/, in the order they are applied; made by embed.cmake. */
#ifndef MIGRATIONS_EMBEDDED_H
#define MIGRATIONS_EMBEDDED_H

#include <stddef.h>

struct migration {
    int number;               /* 0: of functions/ */
    const char *name;         /* 001_core.sql, jobs.sql */
    const unsigned char *sql; /* terminated */
    size_t size;              /* without the terminator */
};

extern const struct migration migrations_table[];
extern const size_t migrations_count;
extern const struct migration functions_table[];
extern const size_t functions_count;

#endif
