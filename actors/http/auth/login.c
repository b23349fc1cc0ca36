/* How a person opens /admin: the page that asks for the admin token, and the handlers
 * that put it into a cookie and take it back; and the tickets for the event stream.
 */
#include "actors/http/auth/authorize.h"
#include "actors/http/auth/routes.def"
#include "actors/http/core/answer.h"
#include "actors/http/core/html.h"
#include "actors/http/core/json_body.h"
#include "actors/kit/util/auto.h"
#include "actors/kit/util/clock.h"

enum { TOKEN_MAX = 65536 }; /* as long as the body may be */

/* --- the page ----------------------------------------------------------------------------- */

/* why: what went wrong, or NULL. */
static void
show_login(request_t *request, unsigned status, const char *next, const char *why)
{
    html_t *page = html_new();
    char *text;
    size_t size;

    html_add(page, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                   "<title>Log in - Tunemill</title>\n"
                   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                   "<meta name=\"color-scheme\" content=\"light dark\">\n"
                   "<link rel=\"icon\" href=\"/admin/assets/favicon.svg\">\n"
                   "<script src=\"/admin/assets/theme.js\"></script>\n"
                   "<link rel=\"stylesheet\" href=\"/admin/assets/app.css\">\n</head>\n"
                   "<body class=\"login\">\n<main>\n<h1>Tunemill</h1>\n");
    if (why) {
        html_add(page, "<p class=\"error\" id=\"why\" role=\"alert\">");
        html_text(page, why);
        html_add(page, "</p>\n");
    }
    html_add(page, "<form method=\"post\" action=\"/admin/auth/login\">\n");
    if (next && authorize_is_own_address(next)) {
        html_add(page, "<input type=\"hidden\" name=\"next\" value=\"");
        html_text(page, next);
        html_add(page, "\">\n");
    }
    html_add(page, "<label for=\"token\">Admin token</label>\n"
                   "<input id=\"token\" name=\"token\" type=\"password\" required autofocus "
                   "autocomplete=\"current-password\"");
    html_add(page, why ? " aria-invalid=\"true\" aria-describedby=\"why\">\n" : ">\n");
    html_add(page, "<button type=\"submit\">Log in</button>\n</form>\n</main>\n</body>\n"
                   "</html>\n");
    text = html_take(&page, &size);
    answer_page(request, status, &text, size);
}

void
login_page(request_t *request)
{
    show_login(request, MHD_HTTP_OK, request_query(request)->next, NULL);
}

/* --- logging in and out ------------------------------------------------------------------- */

static void
answer_done(request_t *request)
{
    char *text = tm_str_dup(tm_str("{\"ok\":true}"));

    answer_json(request, &text);
}

/* A form gets the page again, a program a problem. */
static void
refuse_login(request_t *request, const struct problem *problem, const char *next)
{
    char seconds[16];

    if (json_body_is_json(request_header(request, "Content-Type"))) {
        answer_problem(request, problem);
        return;
    }
    if (problem_retry_after_s(problem)) {
        snprintf(seconds, sizeof(seconds), "%u", problem_retry_after_s(problem));
        answer_header(request, "Retry-After", seconds);
    }
    show_login(request, (unsigned)tm_err_http(problem->err), next,
               problem->error_count ? problem->errors[0].msg : problem->detail);
}

/* Whether the token opens /admin; else the problem says why not. */
static bool
opens_admin(const request_t *request, const char *token, struct problem *problem)
{
    struct admin_auth_claim claim;
    admin_auth_verdict_t verdict;

    authorize_claim(request, &claim);
    claim.header = tm_str(token);
    claim.bearer = claim.cookie = tm_str(NULL);
    verdict = claim.is_own_page ? admin_auth_judge(request_bridge(request)->gate, &claim,
                                                   clock_ms(), clock_utc_ms())
                                : ADMIN_AUTH_FOREIGN;
    if (verdict == ADMIN_AUTH_MISSING)
        problem_add(problem, TM_VALIDATION_FAILED, "body.token", "the admin token is missing");
    else if (verdict != ADMIN_AUTH_OPEN)
        authorize_problem(request, verdict, problem);
    return verdict == ADMIN_AUTH_OPEN;
}

static void
set_cookie(request_t *request, const char *name, const char *value, const char *attributes)
{
    char text[700];

    snprintf(text, sizeof(text), "%s=%s; HttpOnly; %s%s", name, value, attributes,
             client_address_is_behind_tls(request_connection(request)) ? "; Secure" : "");
    answer_header(request, "Set-Cookie", text);
}

struct login_asked {
    const char *token, *next;
};

static const field_t login_rows[] = {
    {FIELD_IS_TEXT("token", 0, TOKEN_MAX), .flags = FIELD_SECRET,
     FIELD_AT(struct login_asked, token)},
    {FIELD_IS_TEXT("next", 0, TOKEN_MAX), FIELD_AT(struct login_asked, next)},
};
static const struct fields login_fields = FIELDS_OF(login_rows);

void
login_run(request_t *request)
{
    struct problem problem = {0};
    const char *type = request_header(request, "Content-Type");
    struct login_asked asked = {NULL, NULL};
    size_t size;
    const char *text = request_text(request, &size);
    tm_auto(json) body = json_body_or_form(type, text, size, &problem);

    if (!body) {
        answer_problem(request, &problem);
        return;
    }
    if (!json_body_fields(body, &login_fields, &asked, &problem) ||
        !opens_admin(request, asked.token, &problem)) {
        refuse_login(request, &problem, asked.next);
        return;
    }
    if (admin_auth_has_token(request_bridge(request)->gate))
        set_cookie(request, ADMIN_COOKIE, asked.token, "SameSite=Lax; Path=/");
    if (json_body_is_json(type))
        answer_done(request);
    else
        answer_redirect(request, asked.next && authorize_is_own_address(asked.next)
                                     ? asked.next
                                     : HOME_PAGE);
}

void
login_out(request_t *request)
{
    set_cookie(request, ADMIN_COOKIE, "", "SameSite=Lax; Path=/; Max-Age=0");
    answer_redirect(request, "/admin/login");
}

void
login_check(request_t *request)
{
    answer_done(request);
}

/* --- tickets ------------------------------------------------------------------------------ */

void
login_ticket(request_t *request)
{
    const bridge_t *bridge = request_bridge(request);
    const struct workspace *workspace = request_workspace(request);
    char ticket[TICKET_TEXT], expires_at[CLOCK_TEXT], id[TM_UUID_TEXT], attributes[100];
    int64_t expiry_ms =
        tickets_make(admin_auth_tickets(bridge->gate), workspace, clock_utc_ms(), ticket);
    tm_auto(json) answer =
        json_pack("{s:s, s:I, s:s, s:s?}", "ticket", ticket, "expires_in_seconds",
                  (json_int_t)bridge->settings->http_ticket_seconds, "expires_at",
                  clock_text(expiry_ms, expires_at), "workspace_id",
                  workspace->is_known ? tm_uuid_text(&workspace->id, id) : NULL);
    char *text = json_dumps(answer, JSON_COMPACT);

    snprintf(attributes, sizeof(attributes),
             "SameSite=Strict; Path=/admin/events; Max-Age=%lld",
             (long long)bridge->settings->http_ticket_seconds);
    set_cookie(request, TICKET_COOKIE, ticket, attributes);
    answer_json(request, &text);
}
