/* curve_inner - a peer's certificates, loaded, as a dealer puts them on its socket.
 *
 * Inner header of proto: not installed, and nothing outside proto includes it.
 */
#ifndef PROTO_LINK_CURVE_INNER_H
#define PROTO_LINK_CURVE_INNER_H

#include "proto/curve.h"

struct curve_keys {
    zcert_t *server, *client; /* both or neither */
    bool allow_plain_tcp;
};

TM_CHECKED tm_err_t keys_load(struct curve_keys *self, const struct tm_curve *curve,
                              char *detail, size_t size);
void keys_fini(struct curve_keys *self);

bool keys_may_connect(const struct curve_keys *self, const char *endpoint);
void keys_apply(const struct curve_keys *self, zsock_t *socket); /* before it connects */

#endif
