/* tune_receive - a tune request as it arrives: what its headers alone make wrong, then the
 * form, piece by piece. Holds one of http.max_uploads until it is destroyed or released.
 */
#ifndef ACTORS_HTTP_TUNES_TUNE_RECEIVE_H
#define ACTORS_HTTP_TUNES_TUNE_RECEIVE_H

#include "actors/http/core/request.h"
#include "actors/http/tunes/tune_fields.h"

typedef struct tune_receive tune_receive_t;

/* Reads the headers and makes ready for the body. NULL: refused, the problem says why. */
tune_receive_t *tune_receive_new(request_t *request, struct problem *problem);
void tune_receive_destroy(tune_receive_t **self_p);

/* A piece of the body. False: it goes on and on, close the connection. */
bool tune_receive_add(tune_receive_t *self, const char *data, size_t size);
void tune_receive_end(tune_receive_t *self, struct problem *problem); /* all has arrived */
void tune_receive_release(tune_receive_t *self); /* others may upload now; may be done twice */

const form_t *tune_receive_form(const tune_receive_t *self);
const char *tune_receive_key(const tune_receive_t *self); /* NULL: none was sent */

#endif
