#include <stdio.h>
#include <string.h>

#include "proto/message.h"

static const struct {
    const char *name;
    unsigned role;
} roles_table[] = {
#define R(ROLE, role, bit, doc) {#role, TM_BY_##ROLE},
    TM_ROLES(R)
#undef R
};
#define ROLE_COUNT (sizeof roles_table / sizeof roles_table[0])

static unsigned
find_role(const char *name, size_t size)
{
    for (size_t i = 0; i < ROLE_COUNT; i++)
        if (strlen(roles_table[i].name) == size && memcmp(roles_table[i].name, name, size) == 0)
            return roles_table[i].role & TM_BY_PEERS;
    return 0;
}

unsigned
tm_roles_parse(const char *text)
{
    unsigned roles = 0;

    for (const char *at = text;; at++) {
        size_t size;
        unsigned role;

        at += strspn(at, " ");
        size = strcspn(at, ", ");
        role = find_role(at, size);
        if (!role)
            return 0;
        roles |= role;
        at += size;
        at += strspn(at, " ");
        if (!*at)
            return roles;
        if (*at != ',')
            return 0;
    }
}

const char *
tm_roles_text(unsigned roles, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < ROLE_COUNT; i++)
        if ((roles & roles_table[i].role) && used < size)
            used += (size_t)snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "",
                                     roles_table[i].name);
    return text;
}
