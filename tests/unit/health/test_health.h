/* test_health - the cases of test_health_probes, one for each source. */
#ifndef TESTS_UNIT_HEALTH_TEST_HEALTH_H
#define TESTS_UNIT_HEALTH_TEST_HEALTH_H

#include <check.h>

TCase *health_database_cases(void);
TCase *health_fleet_cases(void);
TCase *health_qdrant_cases(void);

#endif
