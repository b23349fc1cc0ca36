/* sentry_limits - what Sentry does not want to hear for a while. Pure functions.
 *
 * Every answer may say so, also one that took what was sent:
 *
 *     X-Sentry-Rate-Limits: SECONDS:CATEGORY;CATEGORY:SCOPE:REASON:NAMESPACES, ...
 *
 * No category means all; others than ours are no matter. Seconds that cannot be read are 60. Of
 * two limits the longer holds. An answer 429 without the header limits all, for as long as its
 * Retry-After says, else 60 s.
 */
#ifndef ACTORS_KIT_SENTRY_SENTRY_LIMITS_H
#define ACTORS_KIT_SENTRY_SENTRY_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

enum sentry_category { SENTRY_ERROR, SENTRY_TRANSACTION, SENTRY_CATEGORY_COUNT };

const char *sentry_category_name(enum sentry_category category);

struct sentry_limits {
    int64_t until_ms[SENTRY_CATEGORY_COUNT]; /* of the caller's clock; 0: none */
};

/* One X-Sentry-Rate-Limits. */
void sentry_limits_read(struct sentry_limits *self, const char *header, int64_t now_ms);
/* 429 without one. retry_after: NULL if there is none; utc_ms: for one that is a date. */
void sentry_limits_refused(struct sentry_limits *self, const char *retry_after, int64_t now_ms,
                           int64_t utc_ms);
bool sentry_limits_has(const struct sentry_limits *self, enum sentry_category category,
                       int64_t now_ms);

#endif
