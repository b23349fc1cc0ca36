/* faults - what is done to a site: each a row of one table, named by its number in the test
 * plan.
 *
 * A fault is injected, stands for a while, and is healed; healing what was not injected does
 * nothing. All choices come from the random state, so a seed repeats them. */
#ifndef TESTS_CHAOS_FAULTS_H
#define TESTS_CHAOS_FAULTS_H

#include "tests/chaos/site.h"

struct fault {
    int number;
    const char *name;
    void (*inject)(struct site *site, uint64_t *random);
    void (*heal)(struct site *site); /* NULL: what was killed starts again by itself */
    unsigned least_ms, most_ms;      /* how long it stands */
};

extern const struct fault faults[];
extern const size_t fault_count;

void faults_heal_all(struct site *site);

/* --- sessions.c: faults inside the database ----------------------------------------------- */

void sessions_terminate(struct site *site, uint64_t *random);
void sessions_lock(struct site *site, uint64_t *random);
void sessions_deadlock(struct site *site, uint64_t *random);
void sessions_use_up(struct site *site, uint64_t *random);
void sessions_pin_horizon(struct site *site, uint64_t *random);
void sessions_read_only(struct site *site, uint64_t *random);
void sessions_writable(struct site *site); /* and ends the sessions of the others */
void sessions_end(struct site *site);

#endif
