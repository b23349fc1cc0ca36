/* checker - reads the journals into the database and asks it for whatever breaks a rule. */
#ifndef TESTS_CHAOS_CHECKER_H
#define TESTS_CHAOS_CHECKER_H

#include "tests/chaos/site.h"

enum when { ALWAYS, QUIET };

struct counts {
    long submitted, acknowledged, done, dead, canceled, refused, lost, doubled;
    long collateral; /* jobs that died because others killed their workers */
    long runs;       /* attempts that workers began */
};

void checker_prepare(const char *url); /* before the load: tables, and a watch on states */

/* Prints what is wrong to standard error; returns how many rules are broken. QUIET reads all
 * journals anew, and asks the rules of both kinds. */
int checker_check(struct site *site, enum when when);
void checker_count(struct site *site, struct counts *ret); /* after a QUIET check */

#endif
