/* board - how each component was when it was last looked at; what the health page says.
 *
 * Probes write, pages read; nobody waits for anything here. A probe that came back gives a
 * value (board_set); one that did not says so (board_miss), and the value before stays with its
 * age. A component of which nothing was heard for its stale time (components.def) is `unknown`.
 * One that is not set up is absent: `unknown` too, but the whole is none the worse for it.
 *
 * One thread. Times are clock_ms; utc_ms is the same moment as people see it.
 */
#ifndef ACTORS_KIT_BOARD_H
#define ACTORS_KIT_BOARD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "actors/kit/components.def"
#include "actors/kit/settings.h"

typedef enum {
#define C(NAME, name, title, stale_ms, members, advice) COMPONENT_##NAME,
    COMPONENTS(C)
#undef C
        COMPONENT_COUNT
} component_t;

typedef enum {
#define STATUS(NAME, word, rank) BOARD_##NAME,
    BOARD_STATUSES(STATUS)
#undef STATUS
} board_status_t; /* as numbers: what the metric COMPONENT_STATUS says */

typedef struct board board_t;

enum { BOARD_ERROR_MAX = 300 };

struct board_report {
    board_status_t status;
    bool is_absent;     /* not set up; error says so */
    int64_t latency_us; /* of the probe; -1: it asked nobody */
    const char
        *error;      /* what is wrong, for people: a clause without full stop; NULL: nothing */
    json_t *details; /* an object of the component's members; NULL: as before */
};

/* A component as it is to be shown now. Texts are borrowed until the board changes. */
struct board_view {
    const char *name, *title, *members, *advice, *word;
    board_status_t status;
    bool is_absent;
    int64_t latency_us;          /* -1: none */
    int64_t age_ms;              /* of the value; -1: there never was one */
    int64_t since_ms;            /* how long it has had this status */
    char error[BOARD_ERROR_MAX]; /* "" */
    json_t *details;             /* borrowed; NULL: none yet */
};

typedef void board_fn(void *arg, component_t component);

board_t *board_new(int64_t now_ms);
void board_destroy(board_t **self_p);

void board_set(board_t *self, component_t component, struct board_report *report,
               int64_t now_ms); /* takes the details */
void board_miss(board_t *self, component_t component, board_status_t status, const char *error,
                int64_t now_ms);
/* Looks for what has become stale: call it about once a second. */
void board_tick(board_t *self, int64_t now_ms);

/* fn: whenever the status of a component has changed. NULL: nobody. */
void board_on_change(board_t *self, board_fn *fn, void *arg);
uint64_t board_writes(const board_t *self); /* grows with each set and miss */

/* False: it is not shown, for nobody has ever spoken of it and it need not be there. */
bool board_view(const board_t *self, component_t component, int64_t now_ms,
                struct board_view *ret);
board_status_t board_overall(const board_t *self, int64_t now_ms);
const char *board_word(board_status_t status);
void board_order(const board_t *self, int64_t now_ms, component_t order[COMPONENT_COUNT],
                 size_t *ret_count); /* all that is shown, the worst first */

/* GET /admin/system/health.json, and its issues alone; the caller owns them. */
json_t *board_json(const board_t *self, const settings_t *settings, int64_t now_ms,
                   int64_t utc_ms);
json_t *board_issues(const board_t *self, int64_t now_ms);

#endif
