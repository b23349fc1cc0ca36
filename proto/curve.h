/* curve - the certificates of the encrypted wire, and which endpoints need them.
 *
 * A certificate is a text file as czmq's zcert writes it: a section "curve" with public-key
 * and, in a secret certificate, secret-key; and a section "metadata". A peer has the broker's
 * public certificate and a secret one of its own, whose public half the broker must allow.
 *
 * Without certificates a peer speaks plain ZeroMQ, and only on this machine: ipc, inproc, and
 * tcp to a loopback address.
 */
#ifndef PROTO_CURVE_H
#define PROTO_CURVE_H

#include "message.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TM_CURVE_KEY 40 /* characters of a key in Z85 */

struct tm_curve {
    const char *server;   /* path of the broker's public certificate; NULL: none */
    const char *client;   /* path of the peer's own secret certificate; NULL: none */
    bool allow_plain_tcp; /* without certificates, to other machines too */
};

/* Each reads one certificate; the caller destroys it. TM_BAD_SETTING: `detail` names the file
 * and says what is wrong with it, and never what it holds. TM_NO_MEMORY: not now. */
TM_CHECKED tm_err_t tm_curve_public(const char *path, zcert_t **ret_cert, char *detail,
                                    size_t detail_size);
/* The file must be closed to others: 0600, or 0640 if it is root's. */
TM_CHECKED tm_err_t tm_curve_secret(const char *path, zcert_t **ret_cert, char *detail,
                                    size_t detail_size);

/* ipc, inproc, tcp to 127.0.0.0/8, [::1] or localhost. Names of interfaces and `*` are not. */
bool tm_curve_is_local(const char *endpoint);

/* Why tm_client_new and tm_worker_new would refuse these endpoints with these certificates. */
TM_CHECKED tm_err_t tm_curve_check(const struct tm_curve *self, const char *endpoints,
                                   char *detail, size_t detail_size);

#ifdef __cplusplus
}
#endif

#endif
