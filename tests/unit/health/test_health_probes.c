/* The probes of actors/health against what they look at: a real PostgreSQL, a stub of Qdrant,
 * and a fleet that says what the test wants. */
#include <stdlib.h>

#include "tests/unit/health/health_help.h"
#include "tests/unit/health/test_health.h"
#include "tests/support/pg_suite.h"

int
main(void)
{
    Suite *suite = suite_create("health_probes");

    suite_add_tcase(suite, health_database_cases());
    suite_add_tcase(suite, health_fleet_cases());
    suite_add_tcase(suite, health_qdrant_cases());
    return pg_suite_run(suite, &health_fixture);
}
