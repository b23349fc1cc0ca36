/* curl_loop - libcurl's multi interface in a loop: transfers on one thread, without waiting. */
#ifndef ACTORS_KIT_RUNTIME_CURL_LOOP_H
#define ACTORS_KIT_RUNTIME_CURL_LOOP_H

#include <curl/curl.h>

#include "actors/kit/runtime/loop.h"

typedef struct curl_loop curl_loop_t;

/* A transfer has ended; private: its CURLOPT_PRIVATE. It is still to be removed. */
typedef void curl_ended_fn(void *private, CURLcode code);

curl_loop_t *curl_loop_new(loop_t *loop, curl_ended_fn *fn); /* NULL: libcurl failed */
void curl_loop_destroy(curl_loop_t **self_p); /* after the last transfer was removed */

/* False: it could not be begun. fn is never called from here. */
bool curl_loop_add(curl_loop_t *self, CURL *easy);
void curl_loop_remove(curl_loop_t *self, CURL *easy); /* also one that was not added */

#endif
