/* suite - what a Check program says beside its tests.
 *
 *     int
 *     main(void)
 *     {
 *         Suite *suite = suite_create("breaker");
 *         TCase *breaker = suite_case(suite, "breaker", set_up, tear_down);
 *
 *         suite_tests(breaker, it_is_closed_at_first, the_fifth_failure_opens_it);
 *         suite_rows(breaker, a_text_is_read, texts);
 *         return suite_run(suite);
 *     }
 *
 * A test that takes ten minutes has hung, on a busy machine too; no shorter limit is anyone's.
 */
#ifndef TESTS_SUPPORT_SUITE_H
#define TESTS_SUPPORT_SUITE_H

#include <check.h>

/* Every test of it runs between set_up and tear_down, in a process of its own; each may be
 * NULL.
 */
TCase *case_new(const char *name, SFun set_up, SFun tear_down);
TCase *suite_case(Suite *suite, const char *name, SFun set_up, SFun tear_down);

void case_add_tests(TCase *self, const TTest *const *tests); /* up to a NULL */
#define suite_tests(tcase, ...) case_add_tests(tcase, (const TTest *const[]){__VA_ARGS__, NULL})

/* The test once for each element of an array: rows[_i]. */
#define suite_rows(tcase, test, rows) \
    tcase_add_loop_test(tcase, test, 0, (int)(sizeof(rows) / sizeof((rows)[0])))

/* Runs and frees it; the exit status of main. CK_VERBOSITY says how much is told. */
int suite_run(Suite *suite);

#endif
