/* intake_receive - a request with price data as it arrives: what its headers alone make wrong,
 * then the form, piece by piece. Holds one of http.max_uploads until it is destroyed or
 * released.
 */
#ifndef ACTORS_HTTP_INTAKE_INTAKE_RECEIVE_H
#define ACTORS_HTTP_INTAKE_INTAKE_RECEIVE_H

#include "actors/http/core/request.h"
#include "actors/http/intake/tune_fields.h"

typedef struct intake_receive intake_receive_t;

/* Reads the headers and makes ready for the body. NULL: refused, the problem says why. */
intake_receive_t *intake_receive_new(request_t *request, struct problem *problem);
void intake_receive_destroy(intake_receive_t **self_p);

/* A piece of the body. False: it goes on and on, close the connection. */
bool intake_receive_add(intake_receive_t *self, const char *data, size_t size);
void intake_receive_end(intake_receive_t *self, struct problem *problem); /* all has arrived */
/* Others may upload now; may be done twice. */
void intake_receive_release(intake_receive_t *self);

const form_t *intake_receive_form(const intake_receive_t *self);
const char *intake_receive_key(const intake_receive_t *self); /* NULL: none was sent */

#endif
