/* retry_after - how long a server wants to be left alone. A pure function on headers. */
#ifndef ACTORS_KIT_SENTRY_RETRY_AFTER_H
#define ACTORS_KIT_SENTRY_RETRY_AFTER_H

#include <stdint.h>

#define RETRY_AFTER_MOST_MS 1000000000000 /* whatever is said, about 31 years */

/* Milliseconds from now (utc_ms) on; -1: neither header says anything that can be used.
 *
 * exact_ms    retry-after-ms, which wins: a number of milliseconds
 * text        Retry-After: a number of seconds, which may have a fraction, or a date in any
 * form of RFC 9110. One that is past means 0.
 *
 * "" or NULL where a header is absent. Negative numbers and anything else are not used. */
int64_t retry_after_ms(const char *text, const char *exact_ms, int64_t utc_ms);

#endif
