/* settings - what an operator can set, from settings.def.
 *
 * Order, later wins: default, file (libconfig), environment, --set. An unknown or mistyped key
 * or a value out of range is an error that names file and line (or the variable) and says what
 * is allowed.
 */
#ifndef ACTORS_KIT_RUNTIME_SETTINGS_H
#define ACTORS_KIT_RUNTIME_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "actors/kit/runtime/settings.def"
#include "proto/error.h"

#define SETTINGS_C_STR    char *
#define SETTINGS_C_SECRET char *
#define SETTINGS_C_INT    int64_t
#define SETTINGS_C_NUM    double
#define SETTINGS_C_BOOL   bool

/* Members are section_name: settings->http_listen. Read only after loading. */
typedef struct settings {
#define S(section, name, KIND, def, min, max, env, doc) SETTINGS_C_##KIND section##_##name;
    TM_SETTINGS(S)
#undef S
} settings_t;

settings_t *settings_new(void); /* defaults */
void settings_destroy(settings_t **self_p);

/* path may be NULL (no file). On error `detail` says what and where. */
TM_CHECKED tm_err_t settings_load(settings_t *self, const char *path, char *detail,
                                  size_t detail_size);
/* The same from text already read; `name` stands for the file in details. */
TM_CHECKED tm_err_t settings_parse(settings_t *self, const char *text, const char *name,
                                   char *detail, size_t detail_size);
/* TUNEMILL_<SECTION>_<NAME>, and the short names of settings.def, which the long ones override.
 * A TUNEMILL_ variable that is none of ours is left alone (Kubernetes sets TUNEMILL_HTTP_PORT
 * for a service of that name) unless it is a misspelling of one. */
TM_CHECKED tm_err_t settings_environment(settings_t *self, char *detail, size_t detail_size);
/* "section.name=value" */
TM_CHECKED tm_err_t settings_set(settings_t *self, const char *assignment, char *detail,
                                 size_t detail_size);

/* What must be so before a process serves others, whatever the order above gave: in profile
 * production there is an admin_token, and one that is set can be sent as a cookie. */
TM_CHECKED tm_err_t settings_check(const settings_t *self, char *detail, size_t detail_size);

/* The settings of KIND SECRET, from 0; false: there are no more. */
struct settings_secret {
    const char *key;   /* section.name */
    const char *value; /* of the settings; "" if it is not set */
};
bool settings_secret(const settings_t *self, size_t index, struct settings_secret *ret);
bool settings_is_secret(const char *assignment); /* "section.name=value" of one of them */
/* Puts them into the environment, each by one name, where children find them and nobody else.
 */
TM_CHECKED tm_err_t settings_hand_on(const settings_t *self);

void settings_print_help(FILE *out); /* for --help */
void settings_print_file(FILE *out); /* the documented config/tunemill.cfg */

#endif
