#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/util/auto.h"
#include "actors/kit/health/components.h"
#include "tests/support/suite.h"

#define UTC_MS INT64_C(1764000000000)

static components_t *board;
static settings_t *settings;
static int64_t now_ms;
static unsigned changes[COMPONENT_COUNT];

static void
on_change(void *arg, component_t component)
{
    ck_assert_ptr_eq(arg, changes);
    changes[component]++;
}

static void
setup(void)
{
    now_ms = 1000000;
    memset(changes, 0, sizeof(changes));
    settings = settings_new();
    board = components_new(now_ms);
    components_on_change(board, on_change, changes);
}

static void
teardown(void)
{
    components_destroy(&board);
    ck_assert_ptr_null(board);
    settings_destroy(&settings);
}

static void
set(component_t component, health_status_t status, const char *error)
{
    struct component_report report = {.latency_us = 1500};

    component_wrong(&report, status, "%s", error ? error : "");

    components_set(board, component, &report, now_ms);
}

static struct component_view
view_of(component_t component)
{
    struct component_view view;

    ck_assert(components_view(board, component, now_ms, &view));
    return view;
}

static json_t *
shown(void)
{
    json_t *json = components_json(board, settings, now_ms, UTC_MS);

    ck_assert_ptr_nonnull(json);
    return json;
}

static const char *
text_at(const json_t *json, const char *component, const char *member)
{
    return json_string_value(json_object_get(json_object_get(json, component), member));
}

START_TEST(at_first_nothing_is_known)
{
    ck_assert_int_eq(components_overall(board, now_ms), HEALTH_UNKNOWN);
    ck_assert_int_eq(view_of(COMPONENT_DATABASE).age_ms, -1);
    ck_assert_str_eq(view_of(COMPONENT_DATABASE).error, "it has not been looked at yet");
}
END_TEST

START_TEST(a_value_is_shown_with_its_age_and_since_when)
{
    set(COMPONENT_DATABASE, HEALTH_OK, NULL);
    now_ms += 4000;
    set(COMPONENT_DATABASE, HEALTH_OK, NULL);
    now_ms += 1000;
    ck_assert_int_eq(view_of(COMPONENT_DATABASE).status, HEALTH_OK);
    ck_assert_int_eq(view_of(COMPONENT_DATABASE).age_ms, 1000);
    ck_assert_int_eq(view_of(COMPONENT_DATABASE).since_ms, 5000);
    ck_assert_uint_eq(changes[COMPONENT_DATABASE], 1);
}
END_TEST

START_TEST(a_probe_that_missed_leaves_the_value_and_its_age)
{
    struct component_report report = {.latency_us = 1,
                                      .details = json_pack("{s:i}", "active_tunes", 7)};
    tm_auto(json) json = NULL;

    components_set(board, COMPONENT_TUNES, &report, now_ms);
    ck_assert_ptr_null(report.details);
    now_ms += 8000;
    components_miss(board, COMPONENT_TUNES, HEALTH_UNKNOWN, "the database does not answer",
                    now_ms);
    ck_assert_int_eq(view_of(COMPONENT_TUNES).status, HEALTH_UNKNOWN);
    ck_assert_int_eq(view_of(COMPONENT_TUNES).age_ms, 8000);
    json = shown();
    ck_assert_int_eq(
        json_integer_value(json_object_get(json_object_get(json, "tunes"), "active_tunes")), 7);
    ck_assert_str_eq(text_at(json, "tunes", "checked_at"), "2025-11-24T15:59:52.000Z");
}
END_TEST

START_TEST(what_is_not_heard_of_any_more_is_unknown_and_told)
{
    set(COMPONENT_DATABASE, HEALTH_OK, NULL);
    now_ms += 15000;
    components_tick(board, now_ms);
    ck_assert_uint_eq(changes[COMPONENT_DATABASE], 1);
    now_ms += 1;
    components_tick(board, now_ms);
    ck_assert_uint_eq(changes[COMPONENT_DATABASE], 2);
    ck_assert_int_eq(view_of(COMPONENT_DATABASE).status, HEALTH_UNKNOWN);
    ck_assert_ptr_nonnull(strstr(view_of(COMPONENT_DATABASE).error, "for 15 s"));
    ck_assert_ptr_nonnull(strstr(view_of(COMPONENT_DATABASE).error, "it was ok"));
    set(COMPONENT_DATABASE, HEALTH_OK, NULL);
    ck_assert_int_eq(view_of(COMPONENT_DATABASE).status, HEALTH_OK);
    ck_assert_uint_eq(changes[COMPONENT_DATABASE], 3);
}
END_TEST

START_TEST(misses_that_go_on_keep_it_from_being_stale)
{
    set(COMPONENT_DATABASE, HEALTH_OK, NULL);
    for (int i = 0; i < 10; i++) {
        now_ms += 10000;
        components_miss(board, COMPONENT_DATABASE, HEALTH_ERROR, "it does not answer", now_ms);
    }
    ck_assert_int_eq(view_of(COMPONENT_DATABASE).status, HEALTH_ERROR);
    ck_assert_int_eq(view_of(COMPONENT_DATABASE).age_ms, 100000);
    ck_assert_uint_eq(changes[COMPONENT_DATABASE], 2);
}
END_TEST

static void
set_all(health_status_t status)
{
    for (component_t i = 0; i < COMPONENT_COUNT; i++)
        set(i, status, status == HEALTH_OK ? NULL : "so");
}

START_TEST(the_worst_decides_the_whole)
{
    static const struct {
        health_status_t one, whole;
    } rows[] = {{HEALTH_OK, HEALTH_OK},
                {HEALTH_UNKNOWN, HEALTH_UNKNOWN},
                {HEALTH_DEGRADED, HEALTH_DEGRADED},
                {HEALTH_ERROR, HEALTH_ERROR}};

    set_all(HEALTH_OK);
    set(COMPONENT_SSE, rows[_i].one, "so");
    ck_assert_int_eq(components_overall(board, now_ms), rows[_i].whole);
    set(COMPONENT_TUNES, HEALTH_UNKNOWN, "so");
    if (rows[_i].whole != HEALTH_OK)
        ck_assert_int_eq(components_overall(board, now_ms), rows[_i].whole);
}
END_TEST

START_TEST(what_is_not_set_up_makes_nothing_worse_and_never_grows_stale)
{
    struct component_report report = {.status = HEALTH_UNKNOWN,
                                      .is_absent = true,
                                      .latency_us = -1,
                                      .error = "not configured"};
    tm_auto(json) issues = NULL;

    set_all(HEALTH_OK);
    components_set(board, COMPONENT_QDRANT, &report, now_ms - 600000);
    ck_assert_int_eq(view_of(COMPONENT_QDRANT).status, HEALTH_UNKNOWN);
    ck_assert_str_eq(view_of(COMPONENT_QDRANT).error, "not configured");
    ck_assert_int_eq(components_overall(board, now_ms), HEALTH_OK);
    issues = components_issues(board, now_ms);
    ck_assert_uint_eq(json_array_size(issues), 0);
}
END_TEST

START_TEST(the_worst_is_first_and_the_rest_in_order)
{
    component_t order[COMPONENT_COUNT];
    size_t count;

    set_all(HEALTH_OK);
    set(COMPONENT_WORKERS, HEALTH_ERROR, "so");
    set(COMPONENT_TUNES, HEALTH_DEGRADED, "so");
    set(COMPONENT_BROKER, HEALTH_ERROR, "so");
    components_order(board, now_ms, order, &count);
    ck_assert_uint_eq(count, COMPONENT_COUNT);
    ck_assert_int_eq(order[0], COMPONENT_BROKER);
    ck_assert_int_eq(order[1], COMPONENT_WORKERS);
    ck_assert_int_eq(order[2], COMPONENT_TUNES);
    ck_assert_int_eq(order[3], COMPONENT_DATABASE);
}
END_TEST

START_TEST(an_issue_says_what_is_wrong_and_what_to_do)
{
    tm_auto(json) issues = NULL;
    const char *text;

    set_all(HEALTH_OK);
    set(COMPONENT_WORKERS, HEALTH_ERROR, "no worker lives");
    set(COMPONENT_TUNES, HEALTH_UNKNOWN, "the database does not answer");
    issues = components_issues(board, now_ms);
    ck_assert_uint_eq(json_array_size(issues), 2);
    text = json_string_value(json_array_get(issues, 0));
    ck_assert_ptr_eq(strstr(text, "Workers: no worker lives. Start workers"), text);
    ck_assert_str_eq(json_string_value(json_array_get(issues, 1)),
                     "Tunes: the database does not answer.");
}
END_TEST

/* The contract: whatever is known, a component has its members. */
START_TEST(every_component_has_every_member)
{
#define C(NAME, name, title, stale_ms, members, advice) {#name, members},
    static const struct {
        const char *name, *members;
    } rows[] = {COMPONENTS(C)};
#undef C
    tm_auto(json) json = NULL;

    set(COMPONENT_REDIS, HEALTH_OK, NULL);
    json = shown();
    for (size_t i = 0; i < COMPONENT_COUNT; i++) {
        const json_t *one = json_object_get(json, rows[i].name);
        tm_auto(tm_text) members = strdup(rows[i].members);
        char *rest = members;

        for (char *name; (name = strsep(&rest, ","));)
            ck_assert_msg(json_object_get(one, name) != NULL, "%s.%s", rows[i].name, name);
        ck_assert(json_is_string(json_object_get(one, "status")));
        ck_assert_ptr_nonnull(json_object_get(one, "latency_ms"));
        ck_assert_ptr_nonnull(json_object_get(one, "error"));
    }
}
END_TEST

START_TEST(redis_is_shown_only_where_it_is)
{
    tm_auto(json) before = shown();
    tm_auto(json) after = NULL;

    ck_assert_ptr_null(json_object_get(before, "redis"));
    set(COMPONENT_REDIS, HEALTH_OK, NULL);
    after = shown();
    ck_assert_str_eq(text_at(after, "redis", "status"), "ok");
}
END_TEST

START_TEST(the_head_says_what_runs_and_how_many_are_well)
{
    static const char *const names[] = {"components_ok", "components_degraded",
                                        "components_error"};
    static const json_int_t counts[] = {COMPONENT_COUNT - 4, 1, 2};
    char detail[200];
    tm_auto(json) json = NULL;

    ck_assert_int_eq(settings_set(settings, "system.git_sha=abc1234", detail, sizeof(detail)),
                     TM_OK);
    set_all(HEALTH_OK);
    set(COMPONENT_SSE, HEALTH_DEGRADED, "so");
    set(COMPONENT_LLM, HEALTH_ERROR, "so");
    set(COMPONENT_BROKER, HEALTH_ERROR, "so");
    set(COMPONENT_TUNES, HEALTH_UNKNOWN, "so");
    json = shown();
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(json_integer_value(json_object_get(json, names[i])), counts[i]);
    ck_assert_str_eq(json_string_value(json_object_get(json, "overall_status")), "error");
    ck_assert_str_eq(json_string_value(json_object_get(json, "git_sha")), "abc1234");
    ck_assert(json_is_null(json_object_get(json, "build_time")));
    ck_assert_str_eq(json_string_value(json_object_get(json, "config_profile")), "development");
    ck_assert_str_eq(json_string_value(json_object_get(json, "timestamp")),
                     "2025-11-24T16:00:00.000Z");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("board");
    TCase *tcase = suite_case(suite, "board", setup, teardown);

    suite_tests(tcase, at_first_nothing_is_known, a_value_is_shown_with_its_age_and_since_when,
                a_probe_that_missed_leaves_the_value_and_its_age,
                what_is_not_heard_of_any_more_is_unknown_and_told,
                misses_that_go_on_keep_it_from_being_stale);
    tcase_add_loop_test(tcase, the_worst_decides_the_whole, 0, 4);
    suite_tests(tcase, what_is_not_set_up_makes_nothing_worse_and_never_grows_stale,
                the_worst_is_first_and_the_rest_in_order,
                an_issue_says_what_is_wrong_and_what_to_do, every_component_has_every_member,
                redis_is_shown_only_where_it_is, the_head_says_what_runs_and_how_many_are_well);
    return suite_run(suite);
}
