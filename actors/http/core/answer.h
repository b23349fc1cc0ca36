/* answer - the answer to a request: what every one carries, and how it is handed on.
 *
 * A request is answered once; answering one whose client has gone does nothing. Headers are
 * added before; one that every answer has is replaced (Cache-Control). A text is the caller's
 * memory from malloc, taken.
 */
#ifndef ACTORS_HTTP_CORE_ANSWER_H
#define ACTORS_HTTP_CORE_ANSWER_H

#include "actors/http/core/request.h"
#include "actors/http/core/shared_body.h"

#define JSON_TYPE "application/json"
#define HOME_PAGE "/admin/backtests/tunes" /* where to, if nobody says */

void answer_header(request_t *request, const char *name, const char *value);
void answer_text(request_t *request, unsigned status, const char *type, char **text_p,
                 size_t size);
/* The same with data that is there for as long as the process. */
void answer_static(request_t *request, unsigned status, const char *type, const void *data,
                   size_t size);
/* The same with a body that others are given too. */
void answer_shared(request_t *request, unsigned status, const char *type, shared_body_t *body);
/* 200 with JSON; a text that is NULL is a want of memory, and answered so. */
void answer_json(request_t *request, char **text_p);
/* HTML, under a policy that lets in what stands on this server and no script or style within
 * the page; say what differs in a Content-Security-Policy of your own. */
void answer_page(request_t *request, unsigned status, char **html_p, size_t size);
void answer_redirect(request_t *request, const char *location); /* 303: get that one */
void answer_problem(request_t *request, const struct problem *problem);
/* detail "": err's own text */
void answer_fail(request_t *request, tm_err_t err, const char *detail);

/* Instead of an answer: the connection is the caller's, who writes everything himself.
 * libmicrohttpd forgets it and writes nothing. -1: there is no descriptor left for it. */
int answer_take_connection(request_t *request);
/* The headers that every answer has, "Name: value\r\n" each. The caller frees them. */
char *answer_common_headers(const request_t *request);

/* For the server: hands the answer to libmicrohttpd. */
enum MHD_Result answer_queue(request_t *request);

#endif
