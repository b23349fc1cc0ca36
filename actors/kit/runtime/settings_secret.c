/* What settings.def calls SECRET: who asks for it, and how children get it. */
#include <stdlib.h>
#include <string.h>

#include "actors/kit/runtime/settings.h"
#include "actors/kit/runtime/settings_table.h"

enum { VARIABLE_MAX = 80 };

static const struct setting *
find_secret(size_t index)
{
    for (size_t i = 0; i < settings_table_count; i++)
        if ((settings_table[i].field.flags & FIELD_SECRET) && index-- == 0)
            return &settings_table[i];
    return NULL;
}

static const char *
text_of(const settings_t *self, const struct setting *row)
{
    return *(char *const *)(const void *)((const char *)self + row->field.offset);
}

bool
settings_secret(const settings_t *self, size_t index, struct settings_secret *ret)
{
    const struct setting *row = find_secret(index);

    if (row)
        *ret = (struct settings_secret){.key = row->field.name, .value = text_of(self, row)};
    return row != NULL;
}

bool
settings_is_secret(const char *assignment)
{
    const struct setting *row;
    size_t size = strcspn(assignment, "=");

    for (size_t i = 0; (row = find_secret(i)); i++)
        if (strlen(row->field.name) == size && memcmp(row->field.name, assignment, size) == 0)
            return true;
    return false;
}

static char
upper(char c)
{
    if (c >= 'a' && c <= 'z')
        return (char)(c - 'a' + 'A');
    return c;
}

/* The short name if it has one: the long one, which would win over it, goes. */
static bool
put_variable(const struct setting *row, const char *value)
{
    char name[VARIABLE_MAX];
    size_t size = strlen(row->variable);

    if (size >= sizeof(name))
        return false;
    for (size_t i = 0; i <= size; i++)
        name[i] = upper(row->variable[i]);
    if (row->env && unsetenv(name) != 0)
        return false;
    return setenv(row->env ? row->env : name, value, 1) == 0;
}

tm_err_t
settings_hand_on(const settings_t *self)
{
    const struct setting *row;

    for (size_t i = 0; (row = find_secret(i)); i++)
        if (!put_variable(row, text_of(self, row)))
            return TM_INTERNAL;
    return TM_OK;
}
