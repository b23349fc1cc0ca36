/* body - the two ways to take a body that most routes have: plain throws it away, text keeps up
 * to 64 KiB of it for request_text (to be read with fields.h or json_body.h).
 */
#ifndef ACTORS_HTTP_CORE_BODY_H
#define ACTORS_HTTP_CORE_BODY_H

#include "actors/http/core/json_body.h"
#include "actors/http/core/request.h"

extern const struct route_ops plain_ops, text_ops;

/* Their parts, for routes that have a drain of their own. */
bool body_ignore(request_t *request, const char *data, size_t size);
void body_text_begin(request_t *request);
bool body_text(request_t *request, const char *data, size_t size);

/* The text as a JSON object, which the caller owns; NULL: the problem says why (json_body.h).
 */
json_t *body_json(const request_t *request, struct problem *problem);

#endif
