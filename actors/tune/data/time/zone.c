#include "actors/tune/data/time/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/tune/data/time/civil.h"
#include "actors/tune/data/time/stamp.h"
#include "actors/tune/data/time/zone_rule.h"

#define ZONE_FOLDER     "/usr/share/zoneinfo/"
#define ZONE_NAME_MAX   64
#define ZONE_FILE_MAX   ((size_t)256 * 1024)
#define HEADER_BYTES    44
#define TRANSITIONS_MAX 4096
#define RULE_FIRST      1970 /* years that the last line may fill */
#define RULE_LAST       2200

struct span {
    int64_t from_s; /* UTC; it lasts until the next one's */
    int32_t offset_s;
};

struct zone {
    struct span *spans; /* the first is from the beginning of time */
    size_t count, capacity, last;
    int64_t table_end_s; /* the last one of the file's table, before its rule */
};

void
zone_destroy(zone_t **self_p)
{
    if (!*self_p)
        return;
    free((*self_p)->spans);
    free(*self_p);
    *self_p = NULL;
}

static tm_err_t
add(zone_t *self, int64_t from_s, int32_t offset_s)
{
    if (self->count == self->capacity) {
        const size_t capacity = self->capacity ? self->capacity * 2 : 64;
        struct span *spans = realloc(self->spans, capacity * sizeof *spans);

        if (!spans)
            return TM_NO_MEMORY;
        self->spans = spans;
        self->capacity = capacity;
    }
    if (self->count > 0 && self->spans[self->count - 1].offset_s == offset_s)
        return TM_OK;
    self->spans[self->count++] = (struct span){from_s, offset_s};
    return TM_OK;
}

/* ---- the file --------------------------------------------------------------------------- */

struct tzif {
    const char *at, *end;
    size_t counts[6]; /* isutc, isstd, leap, transitions, types, characters */
};
enum { COUNT_UTC, COUNT_STD, COUNT_LEAP, COUNT_TIME, COUNT_TYPE, COUNT_CHAR };

static int64_t
big(const char *at, size_t bytes)
{
    uint64_t value = (unsigned char)at[0] & 0x80 ? UINT64_MAX : 0;

    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | (unsigned char)at[i];
    return (int64_t)value;
}

static bool
read_head(struct tzif *self)
{
    if (self->end - self->at < HEADER_BYTES || memcmp(self->at, "TZif", 4) != 0 ||
        self->at[4] < '2')
        return false;
    for (size_t i = 0; i < 6; i++) {
        const int64_t count = big(self->at + 20 + 4 * i, 4);

        if (count < 0 || count > TRANSITIONS_MAX)
            return false;
        self->counts[i] = (size_t)count;
    }
    self->at += HEADER_BYTES;
    return true;
}

static size_t
block_size(const struct tzif *self, size_t time_bytes)
{
    const size_t *n = self->counts;

    return n[COUNT_TIME] * (time_bytes + 1) + n[COUNT_TYPE] * 6 + n[COUNT_CHAR] +
           n[COUNT_LEAP] * (time_bytes + 4) + n[COUNT_STD] + n[COUNT_UTC];
}

static tm_err_t
add_rule(zone_t *self, const char *text)
{
    struct zone_rule rule;
    tm_err_t err = TM_OK;
    const int64_t known = self->table_end_s;

    if (!zone_rule_parse(text, &rule))
        return TM_DATA_PARSE_FAILED;
    if (!rule.has_summer)
        return add(self, known == INT64_MIN ? INT64_MIN : known + 1, rule.standard_s);
    for (int year = RULE_FIRST; !err && year <= RULE_LAST; year++) {
        int64_t start, end;

        zone_rule_year(&rule, year, &start, &end);
        const bool is_southern = end < start;
        const int64_t first = is_southern ? end : start, second = is_southern ? start : end;
        if (first > known)
            err = add(self, first, is_southern ? rule.standard_s : rule.summer_s);
        if (!err && second > known)
            err = add(self, second, is_southern ? rule.summer_s : rule.standard_s);
    }
    return err;
}

static tm_err_t
read_spans(zone_t *self, const struct tzif *tzif)
{
    const size_t times = tzif->counts[COUNT_TIME], types = tzif->counts[COUNT_TYPE];
    const char *indices = tzif->at + times * 8, *type = indices + times;
    tm_err_t err = TM_OK;

    if (types == 0)
        return TM_DATA_PARSE_FAILED;
    self->table_end_s = times ? big(tzif->at + (times - 1) * 8, 8) : INT64_MIN;
    err = add(self, INT64_MIN, (int32_t)big(type, 4));
    for (size_t i = 0; !err && i < times; i++) {
        const size_t index = (unsigned char)indices[i];

        if (index >= types)
            return TM_DATA_PARSE_FAILED;
        err = add(self, big(tzif->at + i * 8, 8), (int32_t)big(type + index * 6, 4));
    }
    return err;
}

static tm_err_t
read_tzif(zone_t *self, const char *data, size_t size)
{
    struct tzif tzif = {.at = data, .end = data + size};
    char rule[128];

    /* the block with 32-bit times first: only the one after it counts */
    if (!read_head(&tzif) || (size_t)(tzif.end - tzif.at) < block_size(&tzif, 4))
        return TM_DATA_PARSE_FAILED;
    tzif.at += block_size(&tzif, 4);
    if (!read_head(&tzif) || (size_t)(tzif.end - tzif.at) < block_size(&tzif, 8))
        return TM_DATA_PARSE_FAILED;
    tm_err_t err = read_spans(self, &tzif);
    const char *last = tzif.at + block_size(&tzif, 8);
    const size_t left = (size_t)(tzif.end - last);
    if (err || left <= 2 || last[0] != '\n' || left - 2 >= sizeof rule)
        return err;
    memcpy(rule, last + 1, left - 2);
    rule[left - 2] = '\0';
    return add_rule(self, rule);
}

static bool
is_zone_name(const char *name)
{
    const size_t size = strlen(name);

    if (size == 0 || size > ZONE_NAME_MAX || name[0] == '/' || strstr(name, ".."))
        return false;
    return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_+-") ==
           size;
}

static tm_err_t
read_named(zone_t *self, const char *name, char why[ZONE_WHY])
{
    char path[sizeof ZONE_FOLDER + ZONE_NAME_MAX], *data = malloc(ZONE_FILE_MAX);
    FILE *file;
    tm_err_t err = TM_DATA_PARSE_FAILED;

    if (!data)
        return TM_NO_MEMORY;
    snprintf(path, sizeof path, "%s%s", ZONE_FOLDER, name);
    file = fopen(path, "rbe");
    if (file) {
        err = read_tzif(self, data, fread(data, 1, ZONE_FILE_MAX, file));
        fclose(file);
    }
    free(data);
    if (err == TM_DATA_PARSE_FAILED)
        snprintf(why, ZONE_WHY,
                 "\"%s\" is no time zone that this system knows; it may be a "
                 "name as Europe/Berlin, or an offset as +01:00",
                 name);
    return err;
}

/* "+09:00", "UTC", "GMT+3"; false if it is none of these. */
static bool
read_offset(const char *name, int32_t *ret)
{
    char text[ZONE_NAME_MAX];
    struct stamp stamp;
    const bool has_word = strncmp(name, "UTC", 3) == 0 || strncmp(name, "GMT", 3) == 0;
    const char *sign = has_word ? name + 3 : name;

    if (strcmp(name, "Z") == 0 || (has_word && *sign == '\0')) {
        *ret = 0;
        return true;
    }
    if ((*sign != '+' && *sign != '-') || strlen(sign) > 6)
        return false;
    /* one digit is an hour here, where nothing else can be meant */
    snprintf(text, sizeof text, "2000-01-01 00:00%c%s%s", *sign, strlen(sign) == 2 ? "0" : "",
             sign + 1);
    if (!stamp_read(text, strlen(text), STAMP_UNKNOWN, &stamp) || !stamp.has_offset)
        return false;
    *ret = stamp.offset_s;
    return true;
}

tm_err_t
zone_new(const char *name, zone_t **ret, char why[ZONE_WHY])
{
    zone_t *self;
    int32_t offset;
    tm_err_t err;

    if (!is_zone_name(name) && !strchr(name, ':')) {
        snprintf(why, ZONE_WHY,
                 "the time zone is no name as Europe/Berlin and no offset as "
                 "+01:00");
        return TM_DATA_PARSE_FAILED;
    }
    self = calloc(1, sizeof *self);
    if (!self)
        return TM_NO_MEMORY;
    if (read_offset(name, &offset))
        err = add(self, INT64_MIN, offset);
    else if (is_zone_name(name))
        err = read_named(self, name, why);
    else
        err = TM_DATA_PARSE_FAILED;
    if (err == TM_DATA_PARSE_FAILED && !is_zone_name(name))
        snprintf(why, ZONE_WHY,
                 "the time zone is no name as Europe/Berlin and no offset as "
                 "+01:00");
    if (err)
        zone_destroy(&self);
    else
        *ret = self;
    return err;
}

/* ---- questions -------------------------------------------------------------------------- */

static size_t
find_span(zone_t *self, int64_t utc_s)
{
    size_t low = 0, high = self->count;

    if (utc_s >= self->spans[self->last].from_s &&
        (self->last + 1 == self->count || utc_s < self->spans[self->last + 1].from_s))
        return self->last;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;

        if (self->spans[middle].from_s <= utc_s)
            low = middle;
        else
            high = middle;
    }
    self->last = low;
    return low;
}

static int64_t
seconds(int64_t ms)
{
    return ms / 1000 - (ms % 1000 < 0);
}

int32_t
zone_offset_s(zone_t *self, int64_t utc_ms)
{
    return self->spans[find_span(self, seconds(utc_ms))].offset_s;
}

/* The instants with that local time are those whose span, taken at its offset, holds them. The
 * spans in question are the neighbours of the one at the local time read as UTC. */
enum zone_local
zone_to_utc(zone_t *self, int64_t local_ms, int64_t *ret_utc_ms)
{
    const int64_t local_s = seconds(local_ms);
    const size_t near = find_span(self, local_s);
    const size_t from = near > 1 ? near - 2 : 0;
    const size_t end = near + 3 < self->count ? near + 3 : self->count;
    size_t found = 0;
    int64_t after_gap = local_ms - self->spans[near].offset_s * INT64_C(1000);

    for (size_t i = from; i < end; i++) {
        const struct span *span = &self->spans[i];
        const int64_t utc_s = local_s - span->offset_s;
        const bool has_begun = utc_s >= span->from_s;

        if (has_begun && (i + 1 == self->count || utc_s < self->spans[i + 1].from_s)) {
            if (found++ == 0)
                *ret_utc_ms = local_ms - span->offset_s * INT64_C(1000);
        } else if (i > from && !has_begun && local_s - span[-1].offset_s >= span->from_s) {
            after_gap = span->from_s * 1000;
        }
    }
    if (found == 0)
        *ret_utc_ms = after_gap;
    return found == 0 ? ZONE_NEVER : found == 1 ? ZONE_ONCE : ZONE_TWICE;
}
