/* login - how a person opens /admin: the page that asks for the admin token, and the handlers
 * that put it into a cookie and take it back; and the tickets for the event stream.
 */
#ifndef ACTORS_HTTP_AUTH_LOGIN_H
#define ACTORS_HTTP_AUTH_LOGIN_H

typedef struct request request_t;

void login_page(request_t *request);   /* GET /admin/login */
void login_run(request_t *request);    /* POST /admin/auth/login: fields token, next */
void login_out(request_t *request);    /* GET /admin/auth/logout */
void login_check(request_t *request);  /* GET /admin/auth/check */
void login_ticket(request_t *request); /* POST /admin/events/ticket */

#endif
