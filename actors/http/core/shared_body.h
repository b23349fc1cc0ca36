/* shared_body - the bytes of one answer that several requests are given. One thread. */
#ifndef ACTORS_HTTP_CORE_SHARED_BODY_H
#define ACTORS_HTTP_CORE_SHARED_BODY_H

#include "proto/message.h"

typedef struct shared_body shared_body_t;

shared_body_t *shared_body_new(tm_str_t content); /* copies it; with one reference */
shared_body_t *shared_body_ref(shared_body_t *self);
void shared_body_destroy(shared_body_t **self_p); /* gives one back, the last frees it */
tm_str_t shared_body_content(const shared_body_t *self);

#endif
