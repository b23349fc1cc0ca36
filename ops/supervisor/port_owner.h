/* port_owner - whether an address can be listened at, and who holds it if not: said at once,
 * instead of a process that ends again and again.
 */
#ifndef OPS_SUPERVISOR_PORT_OWNER_H
#define OPS_SUPERVISOR_PORT_OWNER_H

#include <stdbool.h>
#include <stddef.h>

/* listen: "127.0.0.1:8080", "[::1]:8080". False: detail says who holds the port (as far as
 * /proc lets one see), or what else is wrong. What is no such address is left to the bridge. */
bool port_is_free(const char *listen, char *detail, size_t size);

#endif
