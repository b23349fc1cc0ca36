/* Webhooks against a stub of an HTTP server that fails in every way, then works. */
#include <stdio.h>
#include <stdlib.h>

#include "actors/health/deliveries.h"
#include "actors/health/webhooks.h"
#include "actors/kit/util/auto.h"
#include "actors/kit/util/clock.h"
#include "tests/unit/health/health_help.h"
#include "tests/support/suite.h"

static llm_stub_t *stub;
static webhooks_t *webhooks;
static bool is_on_duty;

static bool
has_duty(void *arg)
{
    (void)arg;
    return is_on_duty;
}

static void
setup(void)
{
    health_set_up();
    stub = llm_stub_new();
    is_on_duty = true;
    health_set("health.webhook_hold_seconds=0.05");
    health_set("health.webhook_retry_ms=10");
    health_set("health.webhook_timeout_ms=300");
}

static void
teardown(void)
{
    webhooks_destroy(&webhooks);
    llm_stub_destroy(&stub);
    health_tear_down();
}

static void
begin(const char *setting, const struct llm_stub_step *steps, size_t count)
{
    const struct webhooks_options options = {.loop = health_loop,
                                             .settings = health_settings,
                                             .board = health_board,
                                             .meters = health_meters,
                                             .has_duty = has_duty};
    char assignment[200];

    llm_stub_script(stub, steps, count);
    snprintf(assignment, sizeof(assignment), "%s=%s/hook", setting, llm_stub_url(stub));
    health_set(assignment);
    webhooks = webhooks_new(&options);
    ck_assert_ptr_nonnull(webhooks);
}

static void
set(component_t component, health_status_t status)
{
    struct component_report report = {.latency_us = -1};

    component_wrong(&report, status, "%s", status == HEALTH_OK ? "" : "it <hangs>");

    components_set(health_board, component, &report, clock_ms());
}

/* --- waiting ------------------------------------------------------------------------------ */

struct outcome {
    const char *name;
    long count;
};

static bool
is_counted(void *arg)
{
    const struct outcome *wanted = arg;

    return HEALTH_GAUGE(WEBHOOKS, wanted->name) == wanted->count;
}

static void
await_outcome(const char *name, long count)
{
    struct outcome wanted = {name, count};

    health_until(is_counted, &wanted, name);
}

/* Whatever was to be told until now has been looked at: one more change, of another component,
 * is told behind it. */
static void
await_another(long sent)
{
    set(COMPONENT_REDIS, HEALTH_ERROR);
    await_outcome("sent", sent);
}

/* The JSON that request n carried. */
static json_t *
body_of(size_t n)
{
    char *request = llm_stub_request(stub, n), *body;
    json_t *json;

    ck_assert_ptr_nonnull(request);
    ck_assert_ptr_eq(strstr(request, "POST /hook HTTP/1.1"), request);
    ck_assert_ptr_nonnull(strstr(request, "Content-Type: application/json"));
    body = strstr(request, "\r\n\r\n");
    json = json_loads(body + 4, 0, NULL);
    ck_assert_msg(json != NULL, "%s", body);
    free(request);
    return json;
}

static const char *
text_of(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

static const struct llm_stub_step good = {.act = STUB_BODY};

/* --- tests -------------------------------------------------------------------------------- */

START_TEST(a_change_and_its_recovery_are_told)
{
    tm_auto(json) first = NULL;
    tm_auto(json) second = NULL;

    begin("health.webhook_url", &good, 1);
    set(COMPONENT_DATABASE, HEALTH_ERROR);
    await_outcome("sent", 1);
    set(COMPONENT_DATABASE, HEALTH_OK);
    await_outcome("sent", 2);
    first = body_of(0);
    ck_assert_str_eq(text_of(first, "component"), "database");
    ck_assert_str_eq(text_of(first, "from"), "unknown");
    ck_assert_str_eq(text_of(first, "to"), "error");
    ck_assert_str_eq(text_of(first, "error"), "it <hangs>");
    ck_assert_ptr_nonnull(strstr(text_of(first, "what_to_do"), "PostgreSQL"));
    ck_assert_uint_eq(strlen(text_of(first, "since")), CLOCK_TEXT - 1);
    second = body_of(1);
    ck_assert_str_eq(text_of(second, "from"), "error");
    ck_assert_str_eq(text_of(second, "to"), "ok");
    ck_assert(json_is_null(json_object_get(second, "what_to_do")));
}
END_TEST

START_TEST(slack_gets_a_text_without_markup_of_others)
{
    tm_auto(json) json = NULL;

    begin("health.slack_webhook_url", &good, 1);
    set(COMPONENT_DATABASE, HEALTH_ERROR);
    await_outcome("sent", 1);
    json = body_of(0);
    ck_assert_ptr_nonnull(strstr(text_of(json, "text"), "*Tunemill: Database* is error"));
    ck_assert_ptr_nonnull(strstr(text_of(json, "text"), "it &lt;hangs&gt;."));
    ck_assert_uint_eq(json_object_size(json), 1);
}
END_TEST

START_TEST(that_all_is_well_at_first_is_no_news)
{
    begin("health.webhook_url", &good, 1);
    set(COMPONENT_DATABASE, HEALTH_OK);
    await_another(1);
    ck_assert_uint_eq(llm_stub_requests(stub), 1);
}
END_TEST

static bool
has_held(void *arg)
{
    return clock_ms() >= *(int64_t *)arg;
}

/* So that the hold of what was set before is over. */
static void
let_pass(int64_t ms)
{
    int64_t until_ms = clock_ms() + ms;

    health_until(has_held, &until_ms, "time passes");
}

START_TEST(what_flaps_is_not_told)
{
    tm_auto(json) json = NULL;

    health_set("health.webhook_hold_seconds=0.4");
    begin("health.webhook_url", &good, 1);
    set(COMPONENT_DATABASE, HEALTH_OK);
    let_pass(800);
    for (int i = 0; i < 5; i++) {
        set(COMPONENT_DATABASE, HEALTH_ERROR);
        let_pass(50);
        set(COMPONENT_DATABASE, HEALTH_OK);
        let_pass(50);
    }
    await_another(1);
    ck_assert_uint_eq(llm_stub_requests(stub), 1);
    json = body_of(0);
    ck_assert_str_eq(text_of(json, "component"), "redis");
}
END_TEST

START_TEST(unknown_is_told_to_nobody)
{
    begin("health.webhook_url", &good, 1);
    set(COMPONENT_TUNES, HEALTH_DEGRADED);
    await_outcome("sent", 1);
    set(COMPONENT_TUNES, HEALTH_UNKNOWN);
    let_pass(300);
    set(COMPONENT_TUNES, HEALTH_DEGRADED);
    let_pass(300);
    await_another(2);
    ck_assert_uint_eq(llm_stub_requests(stub), 2);
}
END_TEST

START_TEST(what_fails_is_tried_again_and_what_follows_waits)
{
    static const struct llm_stub_step steps[] = {{.act = STUB_BODY, .status = 500},
                                                 {.act = STUB_HANG},
                                                 {.act = STUB_RESET},
                                                 {.act = STUB_BODY}};
    tm_auto(json) last = NULL;

    begin("health.webhook_url", steps, 4);
    set(COMPONENT_DATABASE, HEALTH_ERROR);
    let_pass(100);
    set(COMPONENT_DATABASE, HEALTH_OK);
    await_outcome("sent", 2);
    ck_assert_uint_eq(llm_stub_requests(stub), 5);
    last = body_of(4);
    ck_assert_str_eq(text_of(last, "to"), "ok");
    ck_assert_int_eq(HEALTH_GAUGE(WEBHOOKS, "failed"), 0);
}
END_TEST

START_TEST(after_five_tries_it_is_given_up_and_the_next_has_its_turn)
{
    static const struct llm_stub_step steps[] = {
        {.act = STUB_BODY, .status = 500}, {.act = STUB_BODY, .status = 404},
        {.act = STUB_BODY, .status = 302}, {.act = STUB_BODY, .status = 503},
        {.act = STUB_BODY, .status = 500}, {.act = STUB_BODY}};
    tm_auto(json) last = NULL;

    begin("health.webhook_url", steps, 6);
    set(COMPONENT_DATABASE, HEALTH_ERROR);
    await_outcome("failed", 1);
    ck_assert_uint_eq(llm_stub_requests(stub), DELIVERIES_TRIES);
    set(COMPONENT_DATABASE, HEALTH_OK);
    await_outcome("sent", 1);
    last = body_of(DELIVERIES_TRIES);
    ck_assert_str_eq(text_of(last, "to"), "ok");
}
END_TEST

START_TEST(the_queue_is_bounded_and_the_oldest_give_way)
{
    static const struct llm_stub_step hang = {.act = STUB_HANG};

    health_set("health.webhook_hold_seconds=0");
    health_set("health.webhook_timeout_ms=60000");
    begin("health.webhook_url", &hang, 1);
    for (int i = 0; HEALTH_GAUGE(WEBHOOKS, "dropped") < 3; i++) {
        ck_assert_int_lt(i, 2560);
        for (component_t c = 0; c < COMPONENT_COUNT; c++)
            set(c, i % 2 ? HEALTH_DEGRADED : HEALTH_ERROR);
        let_pass(25);
    }
    ck_assert_uint_eq(llm_stub_requests(stub), 1);
}
END_TEST

START_TEST(whoever_has_not_the_duty_is_silent_and_repeats_nothing_later)
{
    tm_auto(json) json = NULL;

    is_on_duty = false;
    begin("health.webhook_url", &good, 1);
    set(COMPONENT_DATABASE, HEALTH_ERROR);
    let_pass(300);
    is_on_duty = true;
    set(COMPONENT_DATABASE, HEALTH_OK);
    await_outcome("sent", 1);
    ck_assert_uint_eq(llm_stub_requests(stub), 1);
    json = body_of(0);
    ck_assert_str_eq(text_of(json, "from"), "error");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("health_webhooks");
    TCase *tcase = suite_case(suite, "webhooks", setup, teardown);

    suite_tests(tcase, a_change_and_its_recovery_are_told,
                slack_gets_a_text_without_markup_of_others,
                that_all_is_well_at_first_is_no_news, what_flaps_is_not_told,
                unknown_is_told_to_nobody, what_fails_is_tried_again_and_what_follows_waits,
                after_five_tries_it_is_given_up_and_the_next_has_its_turn,
                the_queue_is_bounded_and_the_oldest_give_way,
                whoever_has_not_the_duty_is_silent_and_repeats_nothing_later);
    return suite_run(suite);
}
