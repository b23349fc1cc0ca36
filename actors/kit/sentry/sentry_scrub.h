/* sentry_scrub - takes out of a text what nobody else may read.
 *
 * What is known to be secret (scrub_settings), and what looks like it: the user and the
 * password in an address, and what stands behind password=. It is put in place of them that
 * something was there. Log lines hold no such thing by intention; this is for the one that
 * does.
 */
#ifndef ACTORS_KIT_SENTRY_SENTRY_SCRUB_H
#define ACTORS_KIT_SENTRY_SENTRY_SCRUB_H

#include "actors/kit/runtime/settings.h"

#define SCRUB_PUT      "[removed]"
#define SCRUB_SHORTEST 6 /* shorter ones could be any word */
#define SCRUB_SECRETS  64

typedef struct scrub scrub_t;

scrub_t *scrub_new(void);
void scrub_destroy(scrub_t **self_p);

void scrub_add(scrub_t *self, const char *secret);
/* The settings of KIND SECRET (settings.def), whole and in their parts, and of the environment
 * the values of variables whose names hold KEY, TOKEN, SECRET or PASSWORD. */
void scrub_settings(scrub_t *self, const settings_t *settings);

/* JSON in, JSON out, valid if it was. The caller frees it; NULL: no memory. */
char *scrub_json(const scrub_t *self, const char *text);

/* The same in place, text[size] included; returns the size, which is never more than before.
 * What is put in is cut where a secret is shorter. */
size_t scrub_in_place(const scrub_t *self, char *text, size_t size);

/* From now on the log of this process tells nothing of the settings' secrets. */
void scrub_log(const settings_t *settings);

#endif
