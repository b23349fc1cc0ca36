#include "tests/support/suite.h"

#include <stdlib.h>

#define HUNG_S 600

TCase *
case_new(const char *name, SFun set_up, SFun tear_down)
{
    TCase *self = tcase_create(name);

    tcase_add_checked_fixture(self, set_up, tear_down);
    tcase_set_timeout(self, HUNG_S);
    return self;
}

TCase *
suite_case(Suite *suite, const char *name, SFun set_up, SFun tear_down)
{
    TCase *self = case_new(name, set_up, tear_down);

    suite_add_tcase(suite, self);
    return self;
}

void
case_add_tests(TCase *self, const TTest *const *tests)
{
    for (; *tests; tests++)
        tcase_add_test(self, *tests);
}

int
suite_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed;

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
