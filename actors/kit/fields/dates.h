/* dates - days and times as people and programs write them in fields. */
#ifndef ACTORS_KIT_FIELDS_DATES_H
#define ACTORS_KIT_FIELDS_DATES_H

#include <stdbool.h>
#include <stdint.h>

/* "2026-03-01": a real date's start in UTC; false if it is none. */
bool dates_day(const char *text, int64_t *ret_ms);

/* Is it a time that exists, in UTC since 1970, as 2026-03-01T12:30:00Z with up to six digits of
 * a fraction? */
bool dates_is_time(const char *text);

#endif
