/* board - how each component was when it was last looked at; what the health page says.
 *
 * Probes write, pages read; nobody waits for anything here. A probe that came back gives a
 * value (components_set); one that did not says so (components_miss), and the value before
 * stays with its age. A component of which nothing was heard for its stale time
 * (components.def) is `unknown`. One that is not set up is absent: `unknown` too, but the whole
 * is none the worse for it.
 *
 * One thread. Times are clock_ms; utc_ms is the same moment as people see it.
 */
#ifndef ACTORS_KIT_HEALTH_COMPONENTS_H
#define ACTORS_KIT_HEALTH_COMPONENTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "actors/kit/health/components.def"
#include "actors/kit/runtime/settings.h"

typedef enum {
#define C(NAME, name, title, stale_ms, members, advice) COMPONENT_##NAME,
    COMPONENTS(C)
#undef C
        COMPONENT_COUNT
} component_t;

typedef enum {
#define STATUS(NAME, word, rank) HEALTH_##NAME,
    HEALTH_STATUSES(STATUS)
#undef STATUS
} health_status_t; /* as numbers: what the metric COMPONENT_STATUS says */

typedef struct components components_t;

enum { COMPONENT_ERROR_MAX = 300 };

struct component_report {
    health_status_t status;
    bool is_absent;                  /* not set up; error says so */
    int64_t latency_us;              /* of the probe; -1: it asked nobody */
    json_t *details;                 /* an object of the component's members; NULL: as before */
    char error[COMPONENT_ERROR_MAX]; /* for people: a clause without full stop; "": none */
};
void component_wrong(struct component_report *self, health_status_t status, const char *format,
                     ...) __attribute__((format(printf, 3, 4)));

/* A component as it is to be shown now. Texts are borrowed until the board changes. */
struct component_view {
    const char *name, *title, *members, *advice, *word;
    health_status_t status;
    bool is_absent;
    int64_t latency_us;              /* -1: none */
    int64_t age_ms;                  /* of the value; -1: there never was one */
    int64_t since_ms;                /* how long it has had this status */
    char error[COMPONENT_ERROR_MAX]; /* "" */
    json_t *details;                 /* borrowed; NULL: none yet */
};

typedef void components_fn(void *arg, component_t component);

components_t *components_new(int64_t now_ms);
void components_destroy(components_t **self_p);

void components_set(components_t *self, component_t component, struct component_report *report,
                    int64_t now_ms); /* takes the details */
void components_miss(components_t *self, component_t component, health_status_t status,
                     const char *error, int64_t now_ms);
/* Looks for what has become stale: call it about once a second. */
void components_tick(components_t *self, int64_t now_ms);

/* fn: whenever the status of a component has changed. NULL: nobody. */
void components_on_change(components_t *self, components_fn *fn, void *arg);
uint64_t components_writes(const components_t *self); /* grows with each set and miss */

/* False: it is not shown, for nobody has ever spoken of it and it need not be there. */
bool components_view(const components_t *self, component_t component, int64_t now_ms,
                     struct component_view *ret);
health_status_t components_overall(const components_t *self, int64_t now_ms);
const char *components_word(health_status_t status);
/* All that is shown, the worst first. */
void components_order(const components_t *self, int64_t now_ms,
                      component_t order[COMPONENT_COUNT], size_t *ret_count);

/* GET /admin/system/health.json, and its issues alone; the caller owns them. */
json_t *components_json(const components_t *self, const settings_t *settings, int64_t now_ms,
                        int64_t utc_ms);
json_t *components_issues(const components_t *self, int64_t now_ms);

#endif
