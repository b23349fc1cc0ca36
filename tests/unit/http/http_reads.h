/* http_reads - the parts of one test program: what the bridge reads. */
#ifndef TESTS_UNIT_HTTP_HTTP_READS_H
#define TESTS_UNIT_HTTP_HTTP_READS_H

#include <check.h>

TCase *http_reads_case(const char *name); /* in the program's suite */
void http_refusals_add(void);
void http_leaderboard_add(void);
void http_stored_add(void);
void http_control_add(void);
void http_compare_add(void);

#endif
