/* pg_suite - a Check program whose tests share a cluster. */
#ifndef TESTS_SUPPORT_PG_SUITE_H
#define TESTS_SUPPORT_PG_SUITE_H

#include "tests/support/pg_fixture.h"
#include "tests/support/suite.h"

/* suite_run with a new cluster in *fixture; PG_FIXTURE_SKIP if there can be none. */
int pg_suite_run(Suite *suite, pg_fixture_t **fixture);

#endif
