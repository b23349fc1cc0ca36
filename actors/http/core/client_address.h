/* client_address - who is at the other end of a connection, as far as it can be known.
 *
 * A proxy on this machine is believed in what it says of its client; anybody else's headers are
 * not. A proxy that says nothing makes its clients look like this machine.
 */
#ifndef ACTORS_HTTP_CORE_CLIENT_ADDRESS_H
#define ACTORS_HTTP_CORE_CLIENT_ADDRESS_H

#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#define CLIENT_ADDRESS_TEXT INET6_ADDRSTRLEN

struct client_address {
    uint8_t bytes[16]; /* IPv6, or IPv4 mapped into it */
};

/* Whom to count against: an IPv6 client has a whole /64 to speak from, so that is one. */
void client_address_of(struct MHD_Connection *connection, struct client_address *ret);
const char *client_address_text(const struct client_address *self,
                                char text[CLIENT_ADDRESS_TEXT]); /* returns text */

/* A program on this machine speaks for itself: from loopback, to a name of loopback (a page of
 * another site can make a browser here send to any name it owns), and no proxy had a hand in
 * it.
 */
bool client_address_is_local(struct MHD_Connection *connection);
/* A proxy on this machine says that it spoke TLS with the client. */
bool client_address_is_behind_tls(struct MHD_Connection *connection);

/* The parts of the above, on text */
/* The last address of an X-Forwarded-For: the one that the proxy itself saw. */
bool client_address_parse_forwarded(const char *text, struct client_address *ret);
/* Of a Host header, with or without port. */
bool client_address_is_loopback_name(const char *host);
bool client_address_is_proxy_header(const char *name); /* one that proxies add */

#endif
