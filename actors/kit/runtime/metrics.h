/* metrics - counters, gauges and histograms of one process, from metrics.def.
 *
 * Any thread may add and set. A label value is copied at its first use; at most METRICS_LABELS
 * different values are kept per metric, the rest count as "other".
 */
#ifndef ACTORS_KIT_RUNTIME_METRICS_H
#define ACTORS_KIT_RUNTIME_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/kit/runtime/metrics.def"

#define METRICS_LABELS 256

typedef enum {
#define X(NAME, name, TYPE, label, owner, help) METRIC_##NAME,
    TM_METRICS(X)
#undef X
        METER_COUNT
} metric_t;

typedef struct meters meters_t;
meters_t *meters_new(const char *actor);
void meters_destroy(meters_t **self_p);

const char *meters_name(metric_t metric);
bool meters_is_histogram(metric_t metric);
const char *meters_actor(const meters_t *self);
/* HOST-XXXXXXXX, another at each start of a process: within one no counter ever falls. */
const char *meters_instance(const meters_t *self);

/* Between the values of a metric whose row names several labels. */
#define METRICS_AND  "\037"
#define METERS_LABEL 256
/* Up to three of them, joined; the third may be NULL. */
const char *meters_label(char label[METERS_LABEL], const char *one, const char *two,
                         const char *three);

/* From now on it shows, as 0 until something is added. */
void meters_know(meters_t *self, metric_t metric, const char *label);
/* label: its value, NULL for a metric without one */
void meters_add(meters_t *self, metric_t metric, const char *label, uint64_t n);
void meters_set(meters_t *self, metric_t metric, const char *label, int64_t value);
void meters_observe_us(meters_t *self, metric_t metric, const char *label, int64_t us);

/* Prometheus text format 0.0.4, every series with the labels actor and instance, with process_*
 * (memory, descriptors, CPU, start) and tunemill_build_info. The caller frees it. */
char *meters_render(const meters_t *self, size_t *ret_size);

#endif
