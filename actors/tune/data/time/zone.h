/* zone - a time zone: what its clocks show, at any instant of 1800 to 2200.
 *
 * Read from the system's tz database by this module itself: the C library's TZ is one for the
 * whole process. An object may be used by one thread at a time: it remembers where it looked
 * last. */
#ifndef ACTORS_TUNE_DATA_TIME_ZONE_H
#define ACTORS_TUNE_DATA_TIME_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/error.h"

#define ZONE_WHY 200

typedef struct zone zone_t;

enum zone_local {
    ZONE_ONCE,
    ZONE_NEVER, /* clocks went forward over it */
    ZONE_TWICE  /* clocks went back over it */
};

/* "Europe/Berlin", "UTC", "+09:00", "-0330", "UTC+3". TM_DATA_PARSE_FAILED: why says what is
 * wrong with it. TM_NO_MEMORY. */
TM_CHECKED tm_err_t zone_new(const char *name, zone_t **ret, char why[ZONE_WHY]);
void zone_destroy(zone_t **self_p);

/* Seconds east of UTC. */
int32_t zone_offset_s(zone_t *self, int64_t utc_ms);

/* What a clock there showed, as UTC. NEVER: the first instant after the gap. TWICE: the first
 * of the two. */
enum zone_local zone_to_utc(zone_t *self, int64_t local_ms, int64_t *ret_utc_ms);

#endif
