/* A stub of Sentry that does not want what it is told, or hangs. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/log.h"
#include "actors/kit/sentry/sentry_sender.h"
#include "tests/unit/kit/sentry_help.h"
#include "tests/support/pace.h"
#include "tests/support/suite.h"
#include "tests/support/meter.h"

/* --- a Sentry that does not want ---------------------------------------------------------- */

static const struct {
    const char *what;
    struct llm_stub_step first;
    bool stops_errors, stops_transactions;
    const char *outcome; /* of the first */
} refusals[] = {
    {"429", {.act = STUB_BODY, .status = 429}, true, true, "limited"},
    {"429, and for how long",
     {.act = STUB_BODY, .status = 429, .headers = "Retry-After: 100\r\n"},
     true,
     true,
     "limited"},
    {"429 of one category",
     {.act = STUB_BODY,
      .status = 429,
      .headers = "X-Sentry-Rate-Limits: 100:error:organization\r\nRetry-After: 100\r\n"},
     true,
     false,
     "limited"},
    {"200, but no more of them",
     {.act = STUB_BODY, .headers = "X-Sentry-Rate-Limits: 100:transaction:key\r\n"},
     false,
     true,
     "sent"},
    {"200, but no more at all",
     {.act = STUB_BODY, .headers = "x-sentry-rate-limits: 100::organization\r\n"},
     true,
     true,
     "sent"},
    {"two headers",
     {.act = STUB_BODY,
      .headers =
          "X-Sentry-Rate-Limits: 100:error:a\r\nX-Sentry-Rate-Limits: 9:transaction:a\r\n"},
     true,
     true,
     "sent"},
    {"what does not concern us",
     {.act = STUB_BODY, .headers = "X-Sentry-Rate-Limits: 100:replay;profile:a\r\n"},
     false,
     false,
     "sent"},
    {"413", {.act = STUB_BODY, .status = 413}, false, false, "failed"},
    {"403",
     {.act = STUB_BODY, .status = 403, .headers = "X-Sentry-Error: bad key\r\n"},
     false,
     false,
     "failed"},
    {"400", {.act = STUB_BODY, .status = 400}, false, false, "failed"},
    {"500", {.act = STUB_BODY, .status = 500}, false, false, "failed"},
    {"redirected",
     {.act = STUB_BODY, .status = 302, .headers = "Location: http://127.0.0.1:1/\r\n"},
     false,
     false,
     "failed"},
    {"a reset connection", {.act = STUB_RESET}, false, false, "failed"},
    {"an answer without end", {.act = STUB_HUGE}, false, false, "failed"},
};

/* What failed is never sent again; what is not wanted never leaves. */
START_TEST(a_refusal_is_obeyed)
{
    struct llm_stub_step steps[2] = {refusals[_i].first, sentry_takes};
    const size_t errors = refusals[_i].stops_errors ? 0 : 1;
    const size_t transactions = refusals[_i].stops_transactions ? 0 : 1;
    const bool is_sent = strcmp(refusals[_i].outcome, "sent") == 0;

    llm_stub_script(stub, steps, 2);
    start("1");
    log_error("first.error", "a=%d", 1);
    await_counted(refusals[_i].outcome, 1);
    log_error("second.error", "a=%d", 1);
    tell("00-" TRACE "-" SPAN "-01", NULL);
    stop();
    ck_assert_msg(sentry_has_text(stub, "second.error") == (errors > 0), "%s",
                  refusals[_i].what);
    ck_assert_msg(sentry_has_text(stub, "job tune") == (transactions > 0), "%s",
                  refusals[_i].what);
    ck_assert_uint_eq(counted("sent"), is_sent + errors + transactions);
    ck_assert_uint_eq(counted("limited") + counted("failed"),
                      !is_sent + (1 - errors) + (1 - transactions));
}
END_TEST

START_TEST(what_was_dropped_is_reported_with_the_next)
{
    static const struct llm_stub_step steps[] = {{.act = STUB_BODY, .status = 500},
                                                 {.act = STUB_RESET}};
    struct llm_stub_step all[3] = {steps[0], steps[1], sentry_takes};
    struct envelope envelope;
    json_t *report;

    llm_stub_script(stub, all, 3);
    start("0");
    log_error("first.error", "a=%d", 1);
    await_counted("failed", 1);
    log_error("second.error", "a=%d", 1);
    await_counted("failed", 2);
    log_error("third.error", "a=%d", 1);
    await_counted("sent", 1);
    stop();
    ck_assert_uint_eq(llm_stub_requests(stub), 3);
    envelope_read(stub, 2, &envelope);
    report = envelope_item(&envelope, "client_report");
    ck_assert_uint_eq(json_array_size(json_at(report, "discarded_events")), 1);
    ck_assert_str_eq(json_text_at(report, "discarded_events/0/reason"), "network_error");
    ck_assert_str_eq(json_text_at(report, "discarded_events/0/category"), "error");
    ck_assert_int_eq(json_integer_value(json_at(report, "discarded_events/0/quantity")), 2);
    envelope_fini(&envelope);
}
END_TEST

START_TEST(nobody_listening_harms_nobody)
{
    llm_stub_refuse(stub);
    start("1");
    log_error("first.error", "a=%d", 1);
    await_counted("failed", 1);
    log_error("second.error", "a=%d", 1);
    stop();
    ck_assert_uint_eq(counted("failed"), 2);
}
END_TEST

/* --- a Sentry that hangs ------------------------------------------------------------------ */

enum { MANY = 2000, ROUNDS = 5, TIMEOUT_MS = 5000 };

static int64_t
log_many_us(const char *name)
{
    char event[64];
    int64_t started_us = clock_us();

    for (int i = 0; i < MANY; i++) {
        snprintf(event, sizeof(event), "%s.%d", name, i);
        log_error(event, "i=%d", i);
    }
    return clock_us() - started_us;
}

/* All that one that hangs may cost is the queue: whoever logs never waits. */
START_TEST(one_that_hangs_slows_nothing)
{
    static const struct llm_stub_step hang = {.act = STUB_HANG};
    int64_t dry_us = INT64_MAX, hung_us = INT64_MAX, started_ms = clock_ms();
    uint64_t waiting, timed_out;
    int64_t took_ms;

    llm_stub_script(stub, &hang, 1);
    start("0");
    for (int i = 0; i < ROUNDS; i++) { /* the best of each: the machine has others, too */
        int64_t us = log_many_us("first");

        hung_us = us < hung_us ? us : hung_us;
    }
    waiting = (uint64_t)MANY * ROUNDS - counted("overflow") - counted("throttled");
    /* and one under way, and those that timed out, one every TIMEOUT_MS at most */
    timed_out = (uint64_t)(clock_ms() - started_ms) / TIMEOUT_MS;
    ck_assert_uint_le(waiting, SENTRY_QUEUE + 2 + timed_out);
    ck_assert_uint_le(llm_stub_requests(stub), 2 + timed_out);
    started_ms = clock_ms();
    sentry_stop();
    took_ms = clock_ms() - started_ms;
    ck_assert(pace_allows(took_ms, 4000)); /* two seconds, and curl's one */
    llm_stub_script(stub, &sentry_takes, 1);
    start("0");
    for (int i = 0; i < ROUNDS; i++) {
        int64_t us = log_many_us("second");

        dry_us = us < dry_us ? us : dry_us;
    }
    stop();
    ck_assert_msg(hung_us < 20 * dry_us + 100000, "%lld us against %lld", (long long)hung_us,
                  (long long)dry_us);
}
END_TEST

static void *
log_and_tell(void *arg)
{
    char event[32];

    for (int i = 0; i < 200; i++) {
        snprintf(event, sizeof(event), "%s.%d", (const char *)arg, i);
        log_error(event, "i=%d", i);
        log_info("between", "i=%d", i);
        tell(NULL, NULL);
    }
    return NULL;
}

START_TEST(any_thread_may_tell)
{
    static char names[4][2] = {"a", "b", "c", "d"};
    pthread_t threads[4];

    start("1");
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, log_and_tell, names[i]), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    stop();
    ck_assert_uint_eq(meter_of(meters, METRIC_LOG_ERRORS, NULL), 800);
    ck_assert_uint_le(counted("sent") + counted("overflow") + counted("throttled"), 1600);
    ck_assert_uint_ge(counted("sent"), SENTRY_QUEUE / 2);
}
END_TEST

/* --- reports by themselves ---------------------------------------------------------------- */

static void
ignore(void *arg, enum sentry_outcome outcome)
{
    (void)arg, (void)outcome;
}

START_TEST(a_report_goes_alone_when_there_is_nothing_else)
{
    char *text = sentry_dsn_of(stub);
    struct sentry_dsn dsn;
    scrub_t *scrub = scrub_new();
    struct sentry_sender_options options = {.dsn = &dsn,
                                            .scrub = scrub,
                                            .timeout_ms = 5000,
                                            .report_ms = 10,
                                            .end_ms = 1000,
                                            .count = ignore};
    sentry_sender_t *sender;
    struct envelope envelope;

    ck_assert(sentry_dsn_parse(text, strlen(text), &dsn));
    sender = sentry_sender_new(&options);
    sentry_sender_drop(sender, SENTRY_ERROR, SENTRY_OVERFLOW);
    sentry_sender_put(sender, SENTRY_TRANSACTION, "0123456789abcdef0123456789abcdef",
                      &(char *){NULL}); /* there was no memory for it */
    sentry_sender_destroy(&sender);
    ck_assert_uint_ge(llm_stub_requests(stub), 1);
    envelope_read(stub, 0, &envelope);
    ck_assert_ptr_null(envelope_item(&envelope, "event"));
    ck_assert_ptr_nonnull(envelope_item(&envelope, "client_report"));
    ck_assert_ptr_null(json_at(envelope.header, "event_id"));
    ck_assert(sentry_has_text(stub, "queue_overflow"));
    envelope_fini(&envelope);
    scrub_destroy(&scrub);
    free(text);
}
END_TEST

TCase *
sentry_refusals_case(void)
{
    TCase *all = case_new("refusals", set_up, tear_down);

    suite_rows(all, a_refusal_is_obeyed, refusals);
    suite_tests(all, what_was_dropped_is_reported_with_the_next, nobody_listening_harms_nobody,
                one_that_hangs_slows_nothing, any_thread_may_tell,
                a_report_goes_alone_when_there_is_nothing_else);
    return all;
}
