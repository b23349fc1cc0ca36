/* nginx_proxy - nginx as a proxy in front of a server of a test. */
#ifndef TESTS_SUPPORT_NGINX_PROXY_H
#define TESTS_SUPPORT_NGINX_PROXY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

bool nginx_proxy_is_there(void); /* installed */
/* It is told as little as can be: nothing of buffering. Files go into `root`; ended by SIGTERM.
 */
pid_t nginx_proxy_start(const char *root, const char *upstream, uint16_t *ret_port);

#endif
