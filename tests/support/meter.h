/* meter - one figure of a process's metrics, as whoever scrapes them reads it. */
#ifndef TESTS_SUPPORT_METER_H
#define TESTS_SUPPORT_METER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/runtime/metrics.h"

/* name="value",name="value", of a row's names and the values of a label. */
static inline void
meter_print_labels(FILE *out, const char *names, const char *values)
{
    const int is_other = strcmp(values, "other") == 0;

    while (*names) {
        const size_t name = strcspn(names, ","),
                     value = is_other ? strlen(values) : strcspn(values, METRICS_AND);

        fprintf(out, "%.*s=\"", (int)name, names);
        for (size_t i = 0; i < value; i++)
            fprintf(out, strchr("\"\\", values[i]) ? "\\%c" : "%c", values[i]);
        fputs("\",", out);
        names += name + (names[name] == ',');
        values += is_other ? 0 : value + (values[value] != '\0');
    }
}

/* The value of a counter or a gauge, or how many times a histogram was told; 0 if it does not
 * show. label: as meters_add takes it. */
static inline uint64_t
meter_of(const meters_t *self, metric_t metric, const char *label)
{
    static const char *const names[] = {
#define X(NAME, name, TYPE, label, owner, help) label,
        TM_METRICS(X)
#undef X
    };
    char *text = meters_render(self, NULL), *wanted = NULL, *at;
    size_t size;
    FILE *out = open_memstream(&wanted, &size);
    int64_t value = 0;

    fprintf(out, "\n%s%s{", meters_name(metric), meters_is_histogram(metric) ? "_count" : "");
    meter_print_labels(out, names[metric], label ? label : "");
    fputs("actor=", out);
    fclose(out);
    at = text && wanted ? strstr(text, wanted) : NULL;
    at = at ? strstr(at + 1, "} ") : NULL;
    if (at)
        value = strtoll(at + 2, NULL, 10);
    free(wanted);
    free(text);
    return (uint64_t)value;
}

#endif
