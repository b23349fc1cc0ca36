/* admin_peers - a part of the test program test_admin_auth: who is asked by whom. */
#ifndef TESTS_UNIT_HTTP_ADMIN_PEERS_H
#define TESTS_UNIT_HTTP_ADMIN_PEERS_H

#include <check.h>

TCase *admin_peers_case(void);

#endif
