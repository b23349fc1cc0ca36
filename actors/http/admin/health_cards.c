#include "actors/http/admin/health_cards.h"

#include <string.h>

#include "actors/http/core/html.h"
#include "actors/kit/util/auto.h"
#include "actors/kit/util/clock.h"

#define NONE "–"

static const struct {
    const char *mark, *kind;
} badges[] = {[HEALTH_OK] = {"✓", "good"},
              [HEALTH_DEGRADED] = {"△", "warn"},
              [HEALTH_ERROR] = {"✕", "bad"},
              [HEALTH_UNKNOWN] = {"?", ""}};

static void
add_badge(html_t *page, health_status_t status)
{
    html_printf(page, "<span class=\"badge %s\" data-mark=\"%s\">%s</span>",
                badges[status].kind, badges[status].mark, components_word(status));
}

/* "2 s", "3 min", "5 h", "12 d" */
static void
add_age(html_t *page, int64_t ms)
{
    const int64_t s = ms < 0 ? 0 : ms / 1000;

    if (s < 120)
        html_printf(page, "%lld s", (long long)s);
    else if (s < 7200)
        html_printf(page, "%lld min", (long long)s / 60);
    else if (s < 172800)
        html_printf(page, "%lld h", (long long)s / 3600);
    else
        html_printf(page, "%lld d", (long long)s / 86400);
}

/* --- what is known of a component ----------------------------------------------------------
 */

/* A member's name as words. */
static void
add_words(html_t *page, const char *name, size_t size)
{
    char words[64];

    if (size >= sizeof(words))
        size = sizeof(words) - 1;
    memcpy(words, name, size);
    words[size] = '\0';
    for (char *at = words; (at = strchr(at, '_'));)
        *at = ' ';
    html_text(page, words);
}

static void
add_scalar(html_t *page, const json_t *value)
{
    if (json_is_string(value))
        html_text(page, json_string_value(value));
    else if (json_is_integer(value))
        html_printf(page, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        html_printf(page, "%.1f", json_real_value(value));
    else if (json_is_boolean(value))
        html_add(page, json_is_true(value) ? "yes" : "no");
    else
        html_add(page, NONE);
}

static void
add_row(html_t *page, const char *name, json_t *entry, json_t *columns)
{
    const char *column;
    json_t *any;

    html_add(page, "<tr><th scope=\"row\">");
    html_text(page, name);
    html_add(page, "</th>");
    json_object_foreach(columns, column, any)
    {
        const json_t *value = json_object_get(entry, column);

        html_add(page, json_is_number(value) ? "<td class=\"number\">" : "<td>");
        add_scalar(page, value);
        html_add(page, "</td>");
    }
    html_add(page, "</tr>");
}

/* An object of objects: a row for each, with the members of the first as columns. */
static void
add_table(html_t *page, const char *name, size_t size, json_t *rows)
{
    json_t *columns = json_object_iter_value(json_object_iter(rows)), *entry, *any;
    const char *key;

    html_add(page, "<div class=\"table-box\"><table><thead><tr><th scope=\"col\">");
    add_words(page, name, size);
    html_add(page, "</th>");
    json_object_foreach(columns, key, any)
    {
        html_add(page, json_is_number(any) ? "<th scope=\"col\" class=\"number\">"
                                           : "<th scope=\"col\">");
        add_words(page, key, strlen(key));
        html_add(page, "</th>");
    }
    html_add(page, "</tr></thead><tbody>");
    json_object_foreach(rows, key, entry) add_row(page, key, entry, columns);
    html_add(page, "</tbody></table></div>");
}

typedef void member_fn(html_t *page, const char *name, size_t size, json_t *value);

static void
for_each(html_t *page, const struct component_view *view, member_fn *fn)
{
    const char *at = view->members;

    while (*at) {
        const size_t size = strcspn(at, ",");

        fn(page, at, size, json_object_getn(view->details, at, size));
        at += size + (at[size] == ',');
    }
}

static void
add_fact(html_t *page, const char *name, size_t size, json_t *value)
{
    if (json_is_object(value) && json_object_size(value) > 0)
        return;
    html_add(page, "<div><dt>");
    add_words(page, name, size);
    html_add(page, "</dt><dd>");
    add_scalar(page, value);
    html_add(page, "</dd></div>");
}

static void
add_table_of(html_t *page, const char *name, size_t size, json_t *value)
{
    if (json_is_object(value) && json_object_size(value) > 0)
        add_table(page, name, size, value);
}

/* --- cards -------------------------------------------------------------------------------- */

static void
add_times(html_t *page, const struct component_view *view)
{
    html_printf(page, "<p class=\"note\">%s for ", view->word);
    add_age(page, view->since_ms);
    if (view->age_ms < 0) {
        html_add(page, ", no value yet");
    } else {
        html_add(page, ", value of ");
        add_age(page, view->age_ms);
        html_add(page, " ago");
    }
    html_add(page, "</p>");
}

static void
add_card(html_t *page, const struct component_view *view)
{
    html_printf(page,
                "<article class=\"panel card\" id=\"card-%s\" data-status=\"%s\" "
                "aria-labelledby=\"title-%s\">\n<div class=\"panel-head\"><h2 "
                "id=\"title-%s\">",
                view->name, view->word, view->name, view->name);
    html_text(page, view->title);
    html_add(page, "</h2>");
    add_badge(page, view->status);
    add_times(page, view);
    html_add(page, "</div>\n");
    if (view->error[0]) {
        html_add(page, "<p class=\"card-error\">");
        html_text(page, view->error);
        html_add(page, ".</p>\n");
    }
    html_add(page, "<dl class=\"facts\">");
    if (view->latency_us >= 0)
        html_printf(page, "<div><dt>probe took</dt><dd>%.1f ms</dd></div>",
                    (double)view->latency_us / 1000);
    for_each(page, view, add_fact);
    html_add(page, "</dl>\n");
    for_each(page, view, add_table_of);
    html_add(page, "</article>\n");
}

static void
add_cards(html_t *page, const components_t *board, int64_t now_ms)
{
    component_t order[COMPONENT_COUNT];
    struct component_view view;
    size_t count;

    components_order(board, now_ms, order, &count);
    html_add(page, "<div class=\"cards\">\n");
    for (size_t i = 0; i < count; i++)
        if (components_view(board, order[i], now_ms, &view))
            add_card(page, &view);
    html_add(page, "</div>\n");
}

static void
add_issues(html_t *page, const components_t *board, int64_t now_ms)
{
    tm_auto(json) issues = components_issues(board, now_ms);
    const json_t *issue;
    size_t i;

    if (json_array_size(issues) == 0) {
        html_add(page, "<p class=\"notice\" id=\"issues\">Nothing is wrong.</p>\n");
        return;
    }
    html_add(page,
             "<section class=\"panel\" id=\"issues\" aria-labelledby=\"issues-title\"><div "
             "class=\"panel-head\"><h2 id=\"issues-title\">What is wrong, and what to do"
             "</h2></div>\n<ol class=\"issues\">\n");
    json_array_foreach(issues, i, issue)
    {
        html_add(page, "<li>");
        html_text(page, json_string_value(issue));
        html_add(page, "</li>\n");
    }
    html_add(page, "</ol></section>\n");
}

static void
add_head(html_t *page, const components_t *board, int64_t now_ms, int64_t utc_ms)
{
    char at[CLOCK_TEXT];

    html_add(page, "<div class=\"head\"><h1>Health</h1>");
    add_badge(page, components_overall(board, now_ms));
    clock_text(utc_ms, at);
    html_printf(page,
                "<span class=\"push\"></span><span class=\"note\">As of <time "
                "datetime=\"%s\">%.8s UTC</time></span>"
                "<a class=\"button\" href=\"/admin/system/health.json\">JSON</a></div>\n",
                at, at + strlen("2026-11-24T"));
}

static void
add_build(html_t *page, const settings_t *settings)
{
    html_add(page, "<p class=\"note\">Built from ");
    html_text(page, settings->system_git_sha[0] ? settings->system_git_sha
                                                : "a commit it was not told");
    if (settings->system_build_time[0]) {
        html_add(page, " at ");
        html_text(page, settings->system_build_time);
    }
    html_add(page, ". Times are those of this bridge's own probes.</p>\n");
}

char *
health_cards(const components_t *board, const settings_t *settings, int64_t now_ms,
             int64_t utc_ms)
{
    html_t *page = html_new();
    size_t size;

    html_printf(page, "<div id=\"health\" data-overall=\"%s\">\n",
                components_word(components_overall(board, now_ms)));
    add_head(page, board, now_ms, utc_ms);
    add_issues(page, board, now_ms);
    add_cards(page, board, now_ms);
    add_build(page, settings);
    html_add(page, "</div>\n");
    return html_take(&page, &size);
}
