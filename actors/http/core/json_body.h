/* json_body - the body of a route that takes JSON: one object, and its members by kind.
 *
 * What is wrong goes into the problem, with the place that the caller names ("body.query").
 * A member that is null counts as absent.
 */
#ifndef ACTORS_HTTP_CORE_JSON_BODY_H
#define ACTORS_HTTP_CORE_JSON_BODY_H

#include <jansson.h>

#include "actors/http/core/problem.h"

/* type: the Content-Type, or NULL. NULL: the problem says why. TM_UNSUPPORTED_MEDIA_TYPE;
 * TM_BAD_REQUEST: no JSON object, nested too deep, or a member is there twice. */
json_t *json_body_read(const char *type, const char *data, size_t size,
                       struct problem *problem);

/* A text of min to max characters, borrowed; min 0: it may be absent. NULL: absent or wrong. */
const char *json_body_text(const json_t *value, const char *loc, size_t min, size_t max,
                           struct problem *problem);
/* A text that is one of the words, which spaces separate; it must be there. */
const char *json_body_word(const json_t *value, const char *loc, const char *words,
                           struct problem *problem);

#endif
