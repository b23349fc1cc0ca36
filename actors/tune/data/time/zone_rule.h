/* zone_rule - the last line of a TZif file, as "CET-1CEST,M3.5.0,M10.5.0/3" (POSIX): how the
 * clocks of a zone go on after its table ends. */
#ifndef ACTORS_TUNE_DATA_TIME_ZONE_RULE_H
#define ACTORS_TUNE_DATA_TIME_ZONE_RULE_H

#include <stdbool.h>
#include <stdint.h>

struct zone_day {
    enum { ZONE_DAY_MONTH, ZONE_DAY_JULIAN, ZONE_DAY_ZERO } kind; /* Mm.w.d, Jn, n */
    int month, week, day;
    int32_t at_s; /* of the wall clock */
};

struct zone_rule {
    int32_t standard_s, summer_s; /* east of UTC */
    bool has_summer;
    struct zone_day start, end;
};

/* text is NUL terminated. */
bool zone_rule_parse(const char *text, struct zone_rule *ret);

/* UTC seconds at which summer time starts and ends in a year. */
void zone_rule_year(const struct zone_rule *self, int year, int64_t *ret_start,
                    int64_t *ret_end);

#endif
