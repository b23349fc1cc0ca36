/* window - how much a count has grown of late, from looks at its total.
 *
 * A total may fall: a process that ended takes its share away. Then nothing is said to have
 * grown, and the next looks are measured against what is left.
 */
#ifndef ACTORS_HEALTH_WINDOW_H
#define ACTORS_HEALTH_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

enum { WINDOW_PARTS = 60 };

struct window {
    int64_t part_ms; /* WINDOW_PARTS of them are the window */
    int64_t part;    /* the one that is being filled, counted from time 0 */
    double grown[WINDOW_PARTS];
    double total;
    bool has_total;
    double unkept; /* what its owner has yet to write down */
};

void window_init(struct window *self, int64_t span_ms);
/* What it has grown by since the last look; 0 at the first. */
double window_look(struct window *self, double total, int64_t now_ms);
/* So much of it had grown age_ms ago. */
void window_restore(struct window *self, double grown, int64_t age_ms, int64_t now_ms);
double window_sum(const struct window *self); /* as of the last look */

#endif
