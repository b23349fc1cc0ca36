/* A process that tells Sentry, and a stub of Sentry that takes it. */
#include <stdlib.h>
#include <string.h>

#include "actors/kit/runtime/log.h"
#include "tests/unit/kit/sentry_help.h"
#include "tests/support/suite.h"
#include "tests/support/meter.h"

/* --- events ------------------------------------------------------------------------------- */

START_TEST(an_error_that_is_logged_is_an_event)
{
    struct envelope envelope;
    traceparent_t trace;
    json_t *event;

    setenv("GIT_SHA", "0123abc", 1);
    start("0");
    traceparent_follow("00-" TRACE "-" SPAN "-01", &trace);
    log_info("job.claimed", "job=%d", 7);
    log_trace(&trace);
    log_error("bus.failed", "code=REDIS attempt=%d what=\"it is not \\\"there\\\"\"", 3);
    stop();
    ck_assert_uint_eq(llm_stub_requests(stub), 1);
    envelope_read(stub, 0, &envelope);
    ck_assert_ptr_eq(strstr(envelope.request, "POST /api/42/envelope/ HTTP/1.1\r\n"),
                     envelope.request);
    ck_assert_str_eq(envelope_head(&envelope, "Content-Type"), "application/x-sentry-envelope");
    ck_assert_str_eq(envelope_head(&envelope, "X-Sentry-Auth"),
                     "Sentry sentry_version=7, sentry_client=tunemill/" TM_VERSION
                     ", sentry_key=" SENTRY_KEY);
    ck_assert_str_eq(envelope_head(&envelope, "User-Agent"), "tunemill/" TM_VERSION);
    ck_assert_str_eq(envelope_head(&envelope, "Expect"), "");
    event = envelope_item(&envelope, "event");
    ck_assert_str_eq(json_text_at(event, "platform"), "native");
    ck_assert_str_eq(json_text_at(event, "level"), "error");
    ck_assert_str_eq(json_text_at(event, "logger"), "test");
    ck_assert_str_eq(json_text_at(event, "release"), "tunemill@" TM_VERSION "+0123abc");
    ck_assert_str_eq(json_text_at(event, "environment"), "development");
    ck_assert_str_ne(json_text_at(event, "server_name"), "");
    ck_assert(json_number_value(json_at(event, "timestamp")) > 1.7e9);
    ck_assert_str_eq(json_text_at(event, "exception/values/0/type"), "bus.failed");
    ck_assert_str_eq(json_text_at(event, "exception/values/0/value"),
                     "code=REDIS attempt=3 what=it is not \"there\"");
    ck_assert_str_eq(json_text_at(event, "tags/component"), "bus");
    ck_assert_str_eq(json_text_at(event, "tags/reason"), "REDIS");
    ck_assert_str_eq(json_text_at(event, "fingerprint/0"), "bus.failed");
    ck_assert_int_eq(json_integer_value(json_at(event, "extra/attempt")), 3);
    ck_assert_str_eq(json_text_at(event, "contexts/trace/trace_id"), TRACE);
    ck_assert_str_eq(json_text_at(event, "contexts/trace/span_id"), trace.span_id);
    ck_assert_str_eq(json_text_at(event, "contexts/trace/parent_span_id"), SPAN);
    ck_assert_str_eq(json_text_at(event, "breadcrumbs/values/0/message"), "job.claimed");
    ck_assert_str_eq(json_text_at(event, "breadcrumbs/values/0/level"), "info");
    ck_assert_int_eq(json_integer_value(json_at(event, "breadcrumbs/values/0/data/job")), 7);
    envelope_fini(&envelope);
    ck_assert_uint_eq(meter_of(meters, METRIC_LOG_ERRORS, NULL), 1);
    ck_assert_uint_eq(counted("sent"), 1);
}
END_TEST

START_TEST(breadcrumbs_are_the_last_twenty_lines)
{
    json_t *event;

    start("0");
    for (int i = 0; i < 50; i++)
        log_warn("some.line", "i=%d", i);
    log_error("some.error", "%s", "");
    event = sentry_await_event(stub, "some.error");
    stop();
    ck_assert_uint_eq(json_array_size(json_at(event, "breadcrumbs/values")), 20);
    ck_assert_int_eq(json_integer_value(json_at(event, "breadcrumbs/values/0/data/i")), 30);
    ck_assert_int_eq(json_integer_value(json_at(event, "breadcrumbs/values/19/data/i")), 49);
    json_decref(event);
}
END_TEST

START_TEST(the_same_error_again_and_again_is_one_event)
{
    start("0");
    for (int i = 0; i < 1000; i++)
        log_error("same.error", "i=%d", i);
    log_error("other.error", "i=%d", 1);
    stop();
    ck_assert_uint_le(llm_stub_requests(stub), 4); /* one a second, should it have been slow */
    ck_assert_uint_eq(counted("sent") + counted("throttled"), 1001);
    ck_assert_uint_eq(meter_of(meters, METRIC_LOG_ERRORS, NULL), 1001);
}
END_TEST

START_TEST(what_is_captured_has_its_tags)
{
    struct sentry_notes notes = {NULL, NULL, NULL};
    char endless[1000];
    json_t *event;

    start("0");
    memset(endless, 'x', sizeof(endless));
    endless[sizeof(endless) - 1] = '\0';
    memcpy(endless, "two\nlines", 9);
    sentry_tag(&notes, "kb_status", "weak");
    sentry_tag(&notes, "strategy", endless);
    sentry_tag(&notes, "collection", NULL);
    sentry_tag(NULL, "nobody", "x");
    sentry_capture(&(struct sentry_event){.type = "explain.degraded",
                                          .level = "warning",
                                          .reason = "timeout",
                                          .value = "no answer",
                                          .notes = &notes});
    sentry_notes_fini(&notes);
    event = sentry_await_event(stub, "explain.degraded");
    stop();
    ck_assert_str_eq(json_text_at(event, "level"), "warning");
    ck_assert_str_eq(json_text_at(event, "tags/kb_status"), "weak");
    ck_assert_str_eq(json_text_at(event, "tags/reason"), "timeout");
    ck_assert_uint_eq(strlen(json_text_at(event, "tags/strategy")), 200);
    ck_assert_ptr_null(strchr(json_text_at(event, "tags/strategy"), '\n'));
    ck_assert_ptr_null(json_at(event, "tags/collection"));
    ck_assert_str_eq(json_text_at(event, "fingerprint/1"), "timeout");
    json_decref(event);
}
END_TEST

static const char *const secrets[] = {"sesame-open", "database-pw", SENTRY_KEY,
                                      "sk-very-secret"};

START_TEST(no_secret_leaves_the_process)
{
    setenv("OPENAI_API_KEY", "sk-very-secret", 1);
    set("http.admin_token=sesame-open");
    set("database.url=postgres://tunemill:database-pw@db/tunemill");
    start("1");
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        log_warn("leaks", "what=%s", secrets[i]);
        log_error("leaks.too", "a=%s %s=1 b=\"x %s y\" url=%s", secrets[i], secrets[i],
                  secrets[i], settings->sentry_dsn);
    }
    sentry_capture(&(struct sentry_event){.type = "leaks.capture",
                                          .level = "error",
                                          .reason = "sesame-open",
                                          .value = "sk-very-secret"});
    stop();
    ck_assert_uint_ge(llm_stub_requests(stub), 2);
    ck_assert(sentry_has_text(stub, "[removed]"));
    for (size_t n = 0; n < llm_stub_requests(stub); n++) {
        struct envelope envelope;
        const char *body;

        envelope_read(stub, n, &envelope);
        body = strstr(envelope.request, "\r\n\r\n");
        for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
            ck_assert_msg(!strstr(body, secrets[i]), "%s in %s", secrets[i], body);
        envelope_fini(&envelope);
    }
}
END_TEST

/* --- transactions ------------------------------------------------------------------------- */

START_TEST(a_transaction_says_how_long_and_of_what)
{
    struct sentry_notes notes = {NULL, NULL, NULL};
    json_t *told;

    start("1");
    sentry_number(&notes, "queue_wait", 12.25, "millisecond");
    sentry_data(&notes, "messaging.system", "zeromq");
    sentry_data_number(&notes, "messaging.message.body.size", 512);
    tell("00-" TRACE "-" SPAN "-01", &notes);
    sentry_notes_fini(&notes);
    told = sentry_await_transaction(stub, "job tune");
    stop();
    ck_assert_str_eq(json_text_at(told, "type"), "transaction");
    ck_assert_str_eq(json_text_at(told, "transaction_info/source"), "task");
    ck_assert_double_eq_tol(json_number_value(json_at(told, "timestamp")) -
                                json_number_value(json_at(told, "start_timestamp")),
                            0.8, 0.001);
    ck_assert_str_eq(json_text_at(told, "contexts/trace/trace_id"), TRACE);
    ck_assert_str_eq(json_text_at(told, "contexts/trace/parent_span_id"), SPAN);
    ck_assert_str_eq(json_text_at(told, "contexts/trace/op"), "queue.process");
    ck_assert_str_eq(json_text_at(told, "contexts/trace/status"), "unavailable");
    ck_assert_str_eq(json_text_at(told, "contexts/trace/data/messaging.system"), "zeromq");
    ck_assert(json_number_value(
                  json_at(told, "contexts/trace/data/messaging.message.body.size")) == 512);
    ck_assert(json_number_value(json_at(told, "measurements/queue_wait/value")) == 12.25);
    ck_assert_str_eq(json_text_at(told, "measurements/queue_wait/unit"), "millisecond");
    json_decref(told);
}
END_TEST

/* Who does not want to be told of, and what is not sampled, is counted and reported. */
START_TEST(the_sampled_flag_and_the_rate_decide)
{
    traceparent_t trace;
    unsigned sampled = 0;
    json_t *report;
    struct envelope envelope;

    start("0.25");
    for (int i = 0; i < 4000; i++) {
        bool is;

        traceparent_start(&trace);
        is = sentry_samples(&trace);
        ck_assert(is == sentry_samples(&trace));
        sampled += is;
        trace.is_sampled = false;
        ck_assert(!sentry_samples(&trace));
    }
    ck_assert_uint_gt(sampled, 800); /* 1000, and 27 for each standard deviation */
    ck_assert_uint_lt(sampled, 1200);
    tell("00-" TRACE "-" SPAN "-00", NULL);
    tell("00-4bf92f3577b34da6a3ce929dffffffff-" SPAN "-01", NULL);
    tell("00-4bf92f3577b34da6a3ce929d00000000-" SPAN "-01", NULL);
    stop();
    ck_assert_uint_eq(counted("sent"), 1);
    ck_assert_uint_eq(counted("unsampled"), 2);
    envelope_read(stub, 0, &envelope);
    report = envelope_item(&envelope, "client_report");
    ck_assert_str_eq(json_text_at(report, "discarded_events/0/reason"), "sample_rate");
    ck_assert_str_eq(json_text_at(report, "discarded_events/0/category"), "transaction");
    ck_assert_int_eq(json_integer_value(json_at(report, "discarded_events/0/quantity")), 2);
    envelope_fini(&envelope);
}
END_TEST

START_TEST(without_a_rate_no_transaction_is_told)
{
    start("0");
    tell("00-" TRACE "-" SPAN "-01", NULL);
    stop();
    ck_assert_uint_eq(llm_stub_requests(stub), 0);
    ck_assert_uint_eq(counted("unsampled"), 0);
}
END_TEST

/* --- without a project -------------------------------------------------------------------- */

START_TEST(without_a_dsn_errors_are_counted_and_told_to_nobody)
{
    sentry_start(settings, "test");
    ck_assert(!sentry_is_on());
    log_error("early.error", "a=%d", 1); /* before there is anything to count in */
    sentry_count(meters);
    ck_assert_uint_eq(meter_of(meters, METRIC_LOG_ERRORS, NULL), 1);
    log_error("some.error", "a=%d", 1);
    tell("00-" TRACE "-" SPAN "-01", NULL);
    stop();
    ck_assert_uint_eq(meter_of(meters, METRIC_LOG_ERRORS, NULL), 2);
    ck_assert_uint_eq(llm_stub_connections(stub), 0);
}
END_TEST

START_TEST(a_wrong_dsn_is_an_error_and_no_more)
{
    start_with("https://nowhere", "1");
    ck_assert(!sentry_is_on());
    log_error("some.error", "a=%d", 1);
    stop();
    ck_assert_uint_eq(meter_of(meters, METRIC_LOG_ERRORS, NULL), 2);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("sentry");
    TCase *all = suite_case(suite, "all", set_up, tear_down);

    suite_tests(all, an_error_that_is_logged_is_an_event, breadcrumbs_are_the_last_twenty_lines,
                the_same_error_again_and_again_is_one_event, what_is_captured_has_its_tags,
                no_secret_leaves_the_process, a_transaction_says_how_long_and_of_what,
                the_sampled_flag_and_the_rate_decide, without_a_rate_no_transaction_is_told,
                without_a_dsn_errors_are_counted_and_told_to_nobody,
                a_wrong_dsn_is_an_error_and_no_more);
    suite_add_tcase(suite, sentry_refusals_case());
    return suite_run(suite);
}
