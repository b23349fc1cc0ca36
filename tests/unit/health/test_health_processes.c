/* What other processes and the brokers say, without any database. */
#include "tests/unit/health/health_help.h"
#include "tests/unit/health/test_health.h"
#include "tests/support/suite.h"

static const struct probes_model model = {"openai", "gpt"};

START_TEST(brokers_that_do_not_answer_are_told)
{
    health_fleet.configured = 3;
    health_fleet.alive = 2;
    health_begin(NULL);
    health_await(COMPONENT_BROKER, HEALTH_DEGRADED,
                 "1 of 3 brokers do not answer, tcp://silent:1");
    health_fleet.alive = 0;
    health_await(COMPONENT_BROKER, HEALTH_ERROR, "no broker answers");
    ck_assert_int_eq(HEALTH_GAUGE(BROKERS_ALIVE, NULL), 0);
}
END_TEST

START_TEST(what_was_not_heard_yet_is_not_missing)
{
    health_fleet.alive = 0;
    fake_federation_run(&health_fleet, "events", 0);
    health_begin(&model);
    health_probes->began_ms = INT64_MAX / 2;
    health_await(COMPONENT_BROKER, HEALTH_UNKNOWN, "no broker has been heard yet");
    health_await(COMPONENT_SSE, HEALTH_OK, NULL);
}
END_TEST

START_TEST(workers_report_to_the_brokers_while_the_database_is_away)
{
    health_begin(NULL);
    health_await(COMPONENT_WORKERS, HEALTH_UNKNOWN, "the database has not said who works");
    fake_federation_run(&health_fleet, "tune", 0);
    health_await(COMPONENT_WORKERS, HEALTH_ERROR, "no worker of the kind tune lives");
}
END_TEST

static bool
has_published(void *arg)
{
    (void)arg;
    return json_integer_value(health_member(COMPONENT_SSE, "events_published_1h")) == 40;
}

START_TEST(streams_are_counted_from_when_it_began_to_look)
{
    fake_federation_set(&health_fleet, METRIC_EVENTS_PUBLISHED, NULL, 1000);
    fake_federation_set(&health_fleet, METRIC_STREAMS_CLOSED, "reason=\"slow\"", 10);
    fake_federation_set(&health_fleet, METRIC_STREAMS, NULL, 7);
    health_begin(NULL);
    health_await(COMPONENT_SSE, HEALTH_OK, NULL);
    fake_federation_set(&health_fleet, METRIC_EVENTS_PUBLISHED, NULL, 1040);
    fake_federation_set(&health_fleet, METRIC_STREAMS_CLOSED, "reason=\"slow\"", 13);
    health_until(has_published, NULL, "forty events");
    ck_assert_int_eq(json_integer_value(health_member(COMPONENT_SSE, "queue_drops_1h")), 3);
    ck_assert_int_eq(json_integer_value(health_member(COMPONENT_SSE, "subscribers")), 7);
    ck_assert_str_eq(json_string_value(health_member(COMPONENT_SSE, "bus_type")), "postgres");
}
END_TEST

START_TEST(without_a_publisher_nothing_reaches_the_streams)
{
    fake_federation_run(&health_fleet, "events", 0);
    health_begin(NULL);
    health_await(COMPONENT_SSE, HEALTH_ERROR, "no `tunemill events` runs");
}
END_TEST

START_TEST(events_that_wait_for_their_number_are_told)
{
    fake_federation_set(&health_fleet, METRIC_EVENTS_WAITING, NULL, 5000);
    health_begin(NULL);
    health_await(COMPONENT_SSE, HEALTH_DEGRADED, "5000 events wait for their number");
}
END_TEST

START_TEST(without_a_model_it_is_not_configured)
{
    health_begin(NULL);
    health_await(COMPONENT_LLM, HEALTH_UNKNOWN, "not configured");
    ck_assert(health_view(COMPONENT_LLM).is_absent);
    ck_assert(json_is_false(health_member(COMPONENT_LLM, "provider_configured")));
    ck_assert(json_is_null(health_member(COMPONENT_LLM, "provider")));
}
END_TEST

START_TEST(without_the_process_that_asks_models_it_is_an_error)
{
    fake_federation_run(&health_fleet, "explain", 0);
    health_begin(&model);
    health_await(COMPONENT_LLM, HEALTH_ERROR, "no `tunemill explain` runs");
}
END_TEST

START_TEST(models_that_fail_are_told_until_one_answers)
{
    fake_federation_set(&health_fleet, METRIC_LLM_REQUESTS, NULL, 100);
    fake_federation_set(&health_fleet, METRIC_LLM_REQUESTS, "cause=\"ok\"", 90);
    health_begin(&model);
    health_await(COMPONENT_LLM, HEALTH_OK, NULL);
    ck_assert_str_eq(json_string_value(health_member(COMPONENT_LLM, "model")), "gpt");
    fake_federation_set(&health_fleet, METRIC_LLM_REQUESTS, NULL, 103);
    health_await(COMPONENT_LLM, HEALTH_ERROR, "the last request to a model failed, and 3 did");
    ck_assert(json_is_string(health_member(COMPONENT_LLM, "last_error_at")));
    ck_assert(json_is_null(health_member(COMPONENT_LLM, "last_success_at")));
    fake_federation_set(&health_fleet, METRIC_LLM_REQUESTS, "cause=\"ok\"", 91);
    fake_federation_set(&health_fleet, METRIC_LLM_REQUESTS, NULL, 104);
    health_await(COMPONENT_LLM, HEALTH_OK, NULL);
    ck_assert_int_eq(json_integer_value(health_member(COMPONENT_LLM, "error_count_1h")), 3);
}
END_TEST

START_TEST(a_redis_that_is_not_there_is_an_error)
{
    health_set("events.bus=redis");
    health_set("events.redis_url=unix:///nowhere/redis.sock");
    health_begin(NULL);
    health_await(COMPONENT_REDIS, HEALTH_ERROR, "it cannot be reached");
}
END_TEST

TCase *
health_fleet_cases(void)
{
    TCase *tcase = case_new("fleet", health_set_up, health_tear_down);

    suite_tests(
        tcase, brokers_that_do_not_answer_are_told, what_was_not_heard_yet_is_not_missing,
        workers_report_to_the_brokers_while_the_database_is_away,
        streams_are_counted_from_when_it_began_to_look,
        without_a_publisher_nothing_reaches_the_streams,
        events_that_wait_for_their_number_are_told, without_a_model_it_is_not_configured,
        without_the_process_that_asks_models_it_is_an_error,
        models_that_fail_are_told_until_one_answers, a_redis_that_is_not_there_is_an_error);
    return tcase;
}
