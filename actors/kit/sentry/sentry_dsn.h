/* sentry_dsn - where errors are told to: SCHEME://KEY[:SECRET]@HOST[:PORT][/PATH]/PROJECT.
 *
 * The scheme is http or https. The secret, which old ones have, is not used.
 */
#ifndef ACTORS_KIT_SENTRY_SENTRY_DSN_H
#define ACTORS_KIT_SENTRY_SENTRY_DSN_H

#include <stdbool.h>
#include <stddef.h>

#define SENTRY_DSN_MAX 512

struct sentry_dsn {
    char url[SENTRY_DSN_MAX + 32]; /* SCHEME://HOST[:PORT][/PATH]/api/PROJECT/envelope/ */
    char key[SENTRY_DSN_MAX + 1];
};

/* False, and nothing written, when the text is none. */
bool sentry_dsn_parse(const char *text, size_t size, struct sentry_dsn *ret);

#endif
