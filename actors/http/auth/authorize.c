#include "actors/http/auth/authorize.h"

#include <strings.h>

#include "actors/http/core/answer.h"
#include "actors/http/core/headers.h"
#include "actors/http/core/html.h"
#include "actors/kit/util/auto.h"
#include "actors/kit/util/clock.h"

#define LOGIN_PAGE  "/admin/login"
#define CHALLENGE   "Bearer realm=\"tunemill\""
#define ADDRESS_MAX 1024

/* --- what the request carries ------------------------------------------------------------- */

struct cookie_search {
    const char *name;
    tm_str_t value;
};

static void
on_cookies(void *arg, const char *text)
{
    struct cookie_search *search = arg;

    if (!search->value.size)
        cookie_find(text, search->name, &search->value);
}

static tm_str_t
read_cookie(const request_t *request, const char *name)
{
    struct cookie_search search = {.name = name, .value = tm_str(NULL)};

    request_headers(request, "Cookie", on_cookies, &search);
    return search.value;
}

/* A browser names the site of the page that asks in one of two headers; a client that sends
 * neither is no browser. */
static bool
is_own_page(const request_t *request)
{
    const char *site = request_header(request, "Sec-Fetch-Site");
    const char *origin = request_header(request, "Origin");
    const char *host = request_header(request, "Host");

    if (site)
        return strcasecmp(site, "same-origin") == 0 || strcasecmp(site, "none") == 0;
    if (!origin)
        return true;
    if (strncasecmp(origin, "https://", 8) == 0)
        origin += 8;
    else if (strncasecmp(origin, "http://", 7) == 0)
        origin += 7;
    else
        return false;
    return host && strcasecmp(origin, host) == 0;
}

void
authorize_claim(const request_t *request, struct admin_auth_claim *ret)
{
    const route_t *route = request_route(request);

    *ret = (struct admin_auth_claim){
        .header = header_value(request_header(request, "X-Admin-Token")),
        .bearer = bearer_token(request_header(request, "Authorization")),
        .cookie = read_cookie(request, ADMIN_COOKIE),
        .ticket = read_cookie(request, TICKET_COOKIE),
        .is_local = client_address_is_local(request_connection(request)),
        .is_change = strcmp(route->method, "GET") != 0,
        .is_own_page = is_own_page(request),
        .takes_ticket = route->access == ACCESS_STREAM,
        .workspace = *request_workspace(request),
    };
    client_address_of(request_connection(request), &ret->peer);
}

/* --- refusing ----------------------------------------------------------------------------- */

void
authorize_problem(const request_t *request, admin_auth_verdict_t verdict, struct problem *ret)
{
    static const struct {
        tm_err_t err;
        const char *detail;
    } rows[] = {
        [ADMIN_AUTH_OPEN] = {TM_INTERNAL, ""},
        [ADMIN_AUTH_MISSING] =
            {TM_UNAUTHORIZED,
             "send the admin token as X-Admin-Token, as Authorization: Bearer, or "
             "by the cookie of " LOGIN_PAGE},
        [ADMIN_AUTH_WRONG] = {TM_FORBIDDEN, "the admin token is wrong"},
        [ADMIN_AUTH_CLOSED] = {TM_FORBIDDEN,
                               "the administration is closed: no admin token is set"},
        [ADMIN_AUTH_FOREIGN] = {TM_FORBIDDEN, "a page of another site asked for this"},
        [ADMIN_AUTH_THROTTLED] = {TM_RATE_LIMITED, "too many wrong admin tokens; wait"},
        [ADMIN_AUTH_FORGED] = {TM_FORBIDDEN, "the ticket is not one of this server"},
        [ADMIN_AUTH_EXPIRED] = {TM_UNAUTHORIZED, "the ticket has expired; ask for another"},
        [ADMIN_AUTH_ELSEWHERE] = {TM_FORBIDDEN, "the ticket is for another workspace"},
    };
    struct client_address peer;

    problem_init(ret, rows[verdict].err, "%s", rows[verdict].detail);
    if (verdict != ADMIN_AUTH_THROTTLED)
        return;
    client_address_of(request_connection(request), &peer);
    ret->retry_after_s = admin_auth_wait_s(request_bridge(request)->gate, &peer, clock_ms());
}

struct address {
    html_t *text;
    char next;
};

static enum MHD_Result
on_argument(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct address *self = cls;

    (void)kind;
    html_printf(self->text, "%c", self->next);
    html_percent(self->text, name);
    html_add(self->text, value ? "=" : "");
    html_percent(self->text, value ? value : "");
    self->next = '&';
    return MHD_YES;
}

/* The address that was asked for, as a client would write it; the caller frees it. */
static char *
own_address(const request_t *request)
{
    struct address address = {.text = html_new(), .next = '?'};
    size_t size;

    html_percent(address.text, request_path(request));
    MHD_get_connection_values(request_connection(request), MHD_GET_ARGUMENT_KIND, on_argument,
                              &address);
    return html_take(&address.text, &size);
}

static void
lead_to_login(request_t *request)
{
    tm_auto(tm_text) back = own_address(request);
    html_t *login = html_new();
    tm_auto(tm_text) location = NULL;
    size_t size;

    html_add(login, LOGIN_PAGE);
    if (strlen(back) <= ADDRESS_MAX) {
        html_add(login, "?next=");
        html_percent_all(login, back);
    }
    location = html_take(&login, &size);
    answer_redirect(request, location);
}

static bool
is_for_login(const request_t *request, admin_auth_verdict_t verdict)
{
    const route_t *route = request_route(request);
    const char *accept = request_header(request, "Accept");

    return (verdict == ADMIN_AUTH_MISSING || verdict == ADMIN_AUTH_WRONG) &&
           route->access == ACCESS_ADMIN && strcmp(route->method, "GET") == 0 && accept &&
           accepts_html(accept);
}

static void
refuse_request(request_t *request, admin_auth_verdict_t verdict)
{
    struct problem problem;

    if (is_for_login(request, verdict)) {
        lead_to_login(request);
        return;
    }
    authorize_problem(request, verdict, &problem);
    if (problem.err == TM_UNAUTHORIZED)
        answer_header(request, "WWW-Authenticate", CHALLENGE);
    answer_problem(request, &problem);
}

/* --- deciding ----------------------------------------------------------------------------- */

bool
authorize_admit(request_t *request, struct workspace *workspace)
{
    struct admin_auth_claim claim;
    admin_auth_verdict_t verdict;

    switch (request_route(request)->access) {
    case ACCESS_OPEN:
    case ACCESS_WORKSPACE:
    case ACCESS_FORM:
        return true;
    case ACCESS_ADMIN:
    case ACCESS_STREAM:
        break;
    }
    authorize_claim(request, &claim);
    verdict =
        admin_auth_judge(request_bridge(request)->gate, &claim, clock_ms(), clock_utc_ms());
    if (verdict == ADMIN_AUTH_OPEN)
        *workspace = claim.workspace;
    else
        refuse_request(request, verdict);
    return verdict == ADMIN_AUTH_OPEN;
}

bool
authorize_is_admin(const request_t *request)
{
    struct admin_auth_claim claim;

    authorize_claim(request, &claim);
    claim.takes_ticket = false;
    return admin_auth_judge(request_bridge(request)->gate, &claim, clock_ms(),
                            clock_utc_ms()) == ADMIN_AUTH_OPEN;
}

bool
authorize_is_own_address(const char *address)
{
    if (address[0] != '/' || address[1] == '/' || strlen(address) > ADDRESS_MAX)
        return false;
    for (const char *at = address; *at; at++)
        if (*at <= ' ' || *at >= 0x7f || *at == '\\')
            return false;
    return true;
}
