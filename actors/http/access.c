#include "actors/http/access.h"

#include <strings.h>

#include "actors/http/headers.h"
#include "actors/http/html.h"
#include "actors/http/request.h"
#include "actors/kit/auto.h"
#include "actors/kit/clock.h"

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
cookie(const request_t *request, const char *name)
{
    struct cookie_search search = {.name = name, .value = tm_str(NULL)};

    request_headers(request, "Cookie", on_cookies, &search);
    return search.value;
}

/* A browser says where a page comes from in one of two headers; what sends neither is none. */
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
access_claim(const request_t *request, struct gate_claim *ret)
{
    const route_t *route = request_route(request);

    *ret = (struct gate_claim){
        .header = header_value(request_header(request, "X-Admin-Token")),
        .bearer = bearer_token(request_header(request, "Authorization")),
        .cookie = cookie(request, ADMIN_COOKIE),
        .ticket = cookie(request, TICKET_COOKIE),
        .is_local = peer_is_local(request),
        .is_change = strcmp(route->method, "GET") != 0,
        .is_own_page = is_own_page(request),
        .takes_ticket = route->access == ACCESS_STREAM,
        .workspace = *request_workspace(request),
    };
    peer_of(request, &ret->peer);
}

/* --- refusing ----------------------------------------------------------------------------- */

void
access_problem(const request_t *request, gate_verdict_t verdict, struct problem *ret)
{
    static const struct {
        tm_err_t err;
        const char *detail;
    } rows[] = {
        [GATE_OPEN] = {TM_INTERNAL, ""},
        [GATE_MISSING] = {TM_UNAUTHORIZED,
                          "send the admin token as X-Admin-Token, as Authorization: Bearer, or "
                          "by the cookie of " LOGIN_PAGE},
        [GATE_WRONG] = {TM_FORBIDDEN, "the admin token is wrong"},
        [GATE_CLOSED] = {TM_FORBIDDEN, "the administration is closed: no admin token is set"},
        [GATE_FOREIGN] = {TM_FORBIDDEN, "a page of another site asked for this"},
        [GATE_BRAKED] = {TM_RATE_LIMITED, "too many wrong admin tokens; wait"},
        [GATE_FORGED] = {TM_FORBIDDEN, "the ticket is not one of this server"},
        [GATE_EXPIRED] = {TM_UNAUTHORIZED, "the ticket has expired; ask for another"},
        [GATE_ELSEWHERE] = {TM_FORBIDDEN, "the ticket is for another workspace"},
    };
    struct peer peer;

    problem_init(ret, rows[verdict].err, "%s", rows[verdict].detail);
    if (verdict != GATE_BRAKED)
        return;
    peer_of(request, &peer);
    ret->retry_after_s = gate_wait_s(request_bridge(request)->gate, &peer, clock_ms());
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
    request_redirect(request, location);
}

static bool
is_for_login(const request_t *request, gate_verdict_t verdict)
{
    const route_t *route = request_route(request);
    const char *accept = request_header(request, "Accept");

    return (verdict == GATE_MISSING || verdict == GATE_WRONG) &&
           route->access == ACCESS_ADMIN && strcmp(route->method, "GET") == 0 && accept &&
           accepts_html(accept);
}

static void
refuse(request_t *request, gate_verdict_t verdict)
{
    struct problem problem;

    if (is_for_login(request, verdict)) {
        lead_to_login(request);
        return;
    }
    access_problem(request, verdict, &problem);
    if (problem.err == TM_UNAUTHORIZED)
        request_add_header(request, "WWW-Authenticate", CHALLENGE);
    request_problem(request, &problem);
}

/* --- deciding ----------------------------------------------------------------------------- */

bool
access_admit(request_t *request, struct workspace *workspace)
{
    struct gate_claim claim;
    gate_verdict_t verdict;

    switch (request_route(request)->access) {
    case ACCESS_OPEN:
    case ACCESS_WORKSPACE:
    case ACCESS_FORM:
        return true;
    case ACCESS_ADMIN:
    case ACCESS_STREAM:
        break;
    }
    access_claim(request, &claim);
    verdict = gate_judge(request_bridge(request)->gate, &claim, clock_ms(), clock_utc_ms());
    if (verdict == GATE_OPEN)
        *workspace = claim.workspace;
    else
        refuse(request, verdict);
    return verdict == GATE_OPEN;
}

bool
access_is_admin(const request_t *request)
{
    struct gate_claim claim;

    access_claim(request, &claim);
    claim.takes_ticket = false;
    return gate_judge(request_bridge(request)->gate, &claim, clock_ms(), clock_utc_ms()) ==
           GATE_OPEN;
}

bool
access_is_own_address(const char *address)
{
    if (address[0] != '/' || address[1] == '/' || strlen(address) > ADDRESS_MAX)
        return false;
    for (const char *at = address; *at; at++)
        if (*at <= ' ' || *at >= 0x7f || *at == '\\')
            return false;
    return true;
}
