/* The probes of actors/health against what they look at: a real PostgreSQL, a stub of Qdrant,
 * and a fleet that says what the test wants. */
#include <stdlib.h>

#include "tests/unit/health_help.h"
#include "tests/unit/test_health.h"

int
main(void)
{
    Suite *suite = suite_create("health_probes");
    SRunner *runner = srunner_create(suite);
    int failed;

    health_fixture = pg_fixture_new();
    suite_add_tcase(suite, health_database_cases());
    suite_add_tcase(suite, health_fleet_cases());
    suite_add_tcase(suite, health_qdrant_cases());
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    pg_fixture_destroy(&health_fixture);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
