/* settings_table - settings.def as rows; inner to settings*.c. */
#ifndef ACTORS_KIT_RUNTIME_SETTINGS_TABLE_H
#define ACTORS_KIT_RUNTIME_SETTINGS_TABLE_H

#include <stdbool.h>
#include <stddef.h>

typedef enum { SETTING_STR, SETTING_INT, SETTING_NUM, SETTING_BOOL } setting_kind_t;

struct setting {
    const char *section, *name, *key; /* key: section.name */
    const char *variable;             /* TUNEMILL_SECTION_NAME in lower case */
    setting_kind_t kind;
    const char *text; /* default of a STR */
    double number;    /* default of the others */
    double min, max;
    bool is_secret;
    const char *env; /* short name, or NULL */
    const char *doc;
    size_t offset; /* in settings_t */
};

extern const struct setting settings_table[];
extern const size_t settings_table_count;

#endif
