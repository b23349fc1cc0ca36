/* fields - the fields of a small body: a form as browsers send it
 * (application/x-www-form-urlencoded), or a JSON object.
 */
#ifndef ACTORS_HTTP_CORE_FIELDS_H
#define ACTORS_HTTP_CORE_FIELDS_H

#include <jansson.h>

#include "actors/http/core/problem.h"

typedef struct fields fields_t;

/* type: the Content-Type, or NULL. NULL: the problem says why. TM_UNSUPPORTED_MEDIA_TYPE;
 * TM_BAD_REQUEST: no such thing, not UTF-8, or a field is there twice. */
fields_t *fields_new(const char *type, const char *data, size_t size, struct problem *problem);
void fields_destroy(fields_t **self_p);

const char *fields_text(const fields_t *self, const char *name); /* NULL: absent, or no text */
const json_t *fields_value(const fields_t *self, const char *name); /* of any type; or NULL */
bool fields_is_json_type(const char *type);                         /* NULL: no */

#endif
