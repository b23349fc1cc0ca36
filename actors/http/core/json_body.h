/* json_body - a small body: one JSON object, or a form as browsers send it
 * (application/x-www-form-urlencoded) as an object of texts; and its members, by their rows.
 *
 * What is wrong goes into the problem, with its place ("body.query"). A member that is null
 * counts as absent; one that no row names is refused.
 */
#ifndef ACTORS_HTTP_CORE_JSON_BODY_H
#define ACTORS_HTTP_CORE_JSON_BODY_H

#include <jansson.h>

#include "actors/http/core/problem.h"
#include "actors/kit/fields/fields.h"

bool json_body_is_json(const char *type); /* the Content-Type, or NULL: no */

/* type: the Content-Type, or NULL. NULL: the problem says why. TM_UNSUPPORTED_MEDIA_TYPE;
 * TM_BAD_REQUEST: no JSON object, nested too deep, or a member is there twice. */
json_t *json_body_read(const char *type, const char *data, size_t size,
                       struct problem *problem);
/* The same, or a form. */
json_t *json_body_or_form(const char *type, const char *data, size_t size,
                          struct problem *problem);

/* The members into `owner`, whose texts are borrowed from the body. False: the problem says
 * what is wrong. */
bool json_body_fields(json_t *body, const struct fields *table, void *owner,
                      struct problem *problem);

#endif
