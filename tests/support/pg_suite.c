#include "tests/support/pg_suite.h"

int
pg_suite_run(Suite *suite, pg_fixture_t **fixture)
{
    int status;

    *fixture = pg_fixture_new();
    if (!*fixture)
        return PG_FIXTURE_SKIP;
    status = suite_run(suite);
    pg_fixture_destroy(fixture);
    return status;
}
