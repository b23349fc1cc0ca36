/* settings_table - settings.def as rows; inner to settings*.c. */
#ifndef ACTORS_KIT_RUNTIME_SETTINGS_TABLE_H
#define ACTORS_KIT_RUNTIME_SETTINGS_TABLE_H

#include "actors/kit/fields/field.h"

struct setting {
    const char *section, *name;
    const char *variable; /* TUNEMILL_SECTION_NAME in small letters */
    const char *env;      /* short name, or NULL */
    field_t field;        /* called section.name; its place is in settings_t */
};

extern const struct setting settings_table[];
extern const size_t settings_table_count;

#endif
