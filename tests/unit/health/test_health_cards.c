#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "actors/http/admin/health_cards.h"
#include "actors/kit/util/auto.h"
#include "tests/support/suite.h"

#define NOW_MS INT64_C(1000000)
#define UTC_MS INT64_C(1764000000000)

static components_t *board;
static settings_t *settings;

static void
setup(void)
{
    settings = settings_new();
    board = components_new(NOW_MS);
}

static void
teardown(void)
{
    components_destroy(&board);
    settings_destroy(&settings);
}

static void
set(component_t component, health_status_t status, const char *error, json_t *details)
{
    struct component_report report = {.latency_us = 2500, .details = details};

    component_wrong(&report, status, "%s", error ? error : "");

    components_set(board, component, &report, NOW_MS);
}

static char *
page(void)
{
    return health_cards(board, settings, NOW_MS, UTC_MS);
}

/* Where it stands; it must. */
static const char *
find(const char *html, const char *text)
{
    const char *found = strstr(html, text);

    ck_assert_msg(found != NULL, "no %s in %s", text, html);
    return found;
}

START_TEST(each_component_has_its_card)
{
#define C(NAME, name, title, stale_ms, members, advice) "id=\"card-" #name "\"",
    static const char *const cards[] = {COMPONENTS(C)};
#undef C
    tm_auto(tm_text) html = NULL;

    set(COMPONENT_REDIS, HEALTH_OK, NULL, NULL);
    html = page();
    for (size_t i = 0; i < COMPONENT_COUNT; i++)
        find(html, cards[i]);
}
END_TEST

START_TEST(the_worst_stands_first_below_what_is_wrong)
{
    tm_auto(tm_text) html = NULL;
    const char *issue, *worst, *best;

    for (component_t i = 0; i < COMPONENT_COUNT; i++)
        set(i, HEALTH_OK, NULL, NULL);
    set(COMPONENT_WORKERS, HEALTH_ERROR, "no worker lives", NULL);
    html = page();
    find(html, "data-overall=\"error\"");
    issue = find(html, "Workers: no worker lives. Start workers");
    worst = find(html, "id=\"card-workers\" data-status=\"error\"");
    best = find(html, "id=\"card-database\" data-status=\"ok\"");
    ck_assert(issue < worst && worst < best);
}
END_TEST

START_TEST(a_state_is_a_word_and_no_colour_alone)
{
    tm_auto(tm_text) html = NULL;

    set(COMPONENT_DATABASE, HEALTH_DEGRADED, "slow", NULL);
    html = page();
    find(find(html, "id=\"card-database\""), "data-mark=\"△\">degraded</span>");
}
END_TEST

START_TEST(when_all_is_well_it_says_so)
{
    tm_auto(tm_text) html = NULL;

    for (component_t i = 0; i < COMPONENT_COUNT; i++)
        set(i, HEALTH_OK, NULL, NULL);
    html = page();
    find(html, "Nothing is wrong.");
    find(html, "data-overall=\"ok\"");
}
END_TEST

START_TEST(what_others_said_is_escaped)
{
    tm_auto(tm_text) html = NULL;

    set(COMPONENT_QDRANT, HEALTH_ERROR, "<script>alert(1)</script>",
        json_pack("{s:s}", "collection", "<b>\"&"));
    set(COMPONENT_BROKER, HEALTH_OK, NULL,
        json_pack("{s:{s:{s:i}}}", "queues", "<i>", "ready", 3));
    html = page();
    ck_assert_ptr_null(strstr(html, "<script"));
    ck_assert_ptr_null(strstr(html, "<b>"));
    ck_assert_ptr_null(strstr(html, "<i>"));
    find(html, "&lt;b&gt;&quot;&amp;");
    find(html, "<th scope=\"row\">&lt;i&gt;</th>");
}
END_TEST

START_TEST(an_object_of_objects_is_a_table)
{
    tm_auto(tm_text) html = NULL;
    const char *card;

    set(COMPONENT_WORKERS, HEALTH_OK, NULL,
        json_pack("{s:{s:{s:i, s:i, s:s}, s:{s:i, s:i, s:n}}}", "by_actor", "tune", "alive", 2,
                  "busy", 1, "last_seen", "then", "explain", "alive", 0, "busy", 0,
                  "last_seen"));
    html = page();
    card = find(html, "id=\"card-workers\"");
    find(card, "<th scope=\"col\">by actor</th><th scope=\"col\" class=\"number\">alive</th>");
    find(card, "<tr><th scope=\"row\">tune</th><td class=\"number\">2</td>"
               "<td class=\"number\">1</td><td>then</td></tr>");
    find(card, "<tr><th scope=\"row\">explain</th><td class=\"number\">0</td>"
               "<td class=\"number\">0</td><td>–</td></tr>");
}
END_TEST

START_TEST(what_is_not_known_is_a_dash)
{
    tm_auto(tm_text) html = NULL;

    set(COMPONENT_TUNES, HEALTH_OK, NULL,
        json_pack("{s:i, s:n}", "active_tunes", 3, "avg_duration_ms"));
    html = page();
    find(html, "<dt>active tunes</dt><dd>3</dd>");
    find(html, "<dt>avg duration ms</dt><dd>–</dd>");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("health_cards");
    TCase *tcase = suite_case(suite, "cards", setup, teardown);

    suite_tests(tcase, each_component_has_its_card, the_worst_stands_first_below_what_is_wrong,
                a_state_is_a_word_and_no_colour_alone, when_all_is_well_it_says_so,
                what_others_said_is_escaped, an_object_of_objects_is_a_table,
                what_is_not_known_is_a_dash);
    return suite_run(suite);
}
