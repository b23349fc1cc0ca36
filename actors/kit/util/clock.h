/* clock - time, in one place. Leases and time-outs use clock_ms; people see clock_utc. */
#ifndef ACTORS_KIT_UTIL_CLOCK_H
#define ACTORS_KIT_UTIL_CLOCK_H

#include <stdint.h>

int64_t clock_ms(void);     /* monotonic */
int64_t clock_us(void);     /* monotonic */
int64_t clock_utc_ms(void); /* since 1970, UTC */

#define CLOCK_TEXT 25
int64_t clock_parse(const char *text); /* of such a text, whatever follows it; -1: it is none */
const char *clock_text(int64_t utc_ms, char text[CLOCK_TEXT]); /* 2026-11-24T05:00:00.000Z */

#define CLOCK_LOCAL_TEXT 30
/* What the clocks show that are so many seconds east of UTC: 2026-11-24T14:00:00.000+09:00.
 * NULL: they show UTC. */
const char *clock_local_text(int64_t utc_ms, const int32_t *offset_s,
                             char text[CLOCK_LOCAL_TEXT]);

#endif
