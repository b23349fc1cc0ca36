/* checker - reads the journals into the database and asks it for whatever breaks a rule. */
#ifndef TESTS_CHAOS_CHECKER_H
#define TESTS_CHAOS_CHECKER_H

#include "tests/chaos/site.h"

enum when { ALWAYS, QUIET }; /* a rule holds */

/* RECENT: of the jobs of late, so that it takes no longer as jobs add up. ALL: of every job.
 * QUIET: of every job, by rules of both kinds, with all journals read anew. */
enum check { CHECK_RECENT, CHECK_ALL, CHECK_QUIET };

struct counts {
    long submitted, acknowledged, done, dead, canceled, refused, lost, doubled;
    long collateral; /* jobs that died because others killed their workers */
    long runs;       /* attempts that workers began */
};

void checker_prepare(const char *url); /* before the load: tables, and a watch on states */

/* Prints what is wrong to standard error; returns how many rules are broken. */
int checker_check(struct site *site, enum check check);
void checker_count(struct site *site, struct counts *ret); /* after a QUIET check */

#endif
