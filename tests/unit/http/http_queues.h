/* http_queues - the parts of one test program: what the pages ask for. */
#ifndef TESTS_UNIT_HTTP_HTTP_QUEUES_H
#define TESTS_UNIT_HTTP_HTTP_QUEUES_H

#include <check.h>

void http_points_add(Suite *suite);

#endif
