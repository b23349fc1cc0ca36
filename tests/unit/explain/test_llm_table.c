/* Everything a provider can do to us, at every place of the chain: what an ask ends with, and
 * how often each provider was asked for it. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/explain/llm_help.h"
#include "tests/unit/explain/test_llm.h"
#include "tests/support/suite.h"

/* How a provider misbehaves: by what its stub does, or by being no such server at all. */
enum kind { STEP, REFUSE, BAD_CERTIFICATE, NO_NAME };

#define STATUS(code)                       \
    {                                      \
        .act = STUB_BODY, .status = (code) \
    }
#define LIMITED(header)                                           \
    {                                                             \
        .act = STUB_BODY, .status = 429, .headers = header "\r\n" \
    }
#define WITH_BODY(code, words)                              \
    {                                                       \
        .act = STUB_BODY, .status = (code), .body = (words) \
    }

static const struct {
    const char *name;
    enum kind kind;
    struct llm_stub_step step;
    enum llm_cause cause;
    bool goes_on; /* to the next provider */
    bool again;   /* asked once more, when nobody else is left */
    int breaker;  /* of a model that did so once: 0 closed, 2 open */
} rows[] = {
    {"empty", STEP, {.act = STUB_EMPTY}, LLM_EMPTY, true, true, 0},
    {"no body", STEP, WITH_BODY(200, ""), LLM_EMPTY, true, true, 0},
    {"error in a 200", STEP, {.act = STUB_ERROR_IN_200}, LLM_SERVER_ERROR, true, true, 0},
    {"garbage", STEP, WITH_BODY(200, "<html>Hi</html>"), LLM_BAD_JSON, true, true, 0},
    {"not UTF-8", STEP, WITH_BODY(200, "{\"choices\":\"\xff\"}"), LLM_BAD_JSON, true, true, 0},
    {"other JSON", STEP, WITH_BODY(200, "{\"hello\":1}"), LLM_SCHEMA, true, true, 0},
    {"cut", STEP, {.act = STUB_CUT}, LLM_CONNECT, true, true, 0},
    {"dribble", STEP, {.act = STUB_DRIBBLE}, LLM_STALLED, true, true, 0},
    {"padding", STEP, {.act = STUB_PAD}, LLM_TIMEOUT_FIRST_BYTE, true, true, 0},
    {"100 MB", STEP, {.act = STUB_HUGE}, LLM_TOO_LARGE, true, true, 0},
    {"gzip bomb", STEP, {.act = STUB_BOMB}, LLM_TOO_LARGE, true, true, 0},
    {"hang", STEP, {.act = STUB_HANG}, LLM_TIMEOUT_FIRST_BYTE, true, true, 0},
    {"reset", STEP, {.act = STUB_RESET}, LLM_CONNECT, true, true, 0},
    {"refuse", REFUSE, {.act = STUB_GOOD}, LLM_CONNECT, true, true, 0},
    {"bad certificate", BAD_CERTIFICATE, {.act = STUB_GOOD}, LLM_TLS, true, true, 0},
    {"no such name", NO_NAME, {.act = STUB_GOOD}, LLM_DNS, true, true, 0},
    {"redirect",
     STEP,
     {.act = STUB_BODY,
      .status = 302,
      .headers = "Location: http://169.254.169.254/latest/meta-data/\r\n"},
     LLM_SCHEMA,
     true,
     true,
     0},
    {"400", STEP, STATUS(400), LLM_BAD_REQUEST, false, false, 0},
    {"401", STEP, STATUS(401), LLM_AUTH, true, false, 2},
    {"402", STEP, STATUS(402), LLM_QUOTA, true, false, 2},
    {"403", STEP, STATUS(403), LLM_AUTH, true, false, 2},
    {"404", STEP, STATUS(404), LLM_BAD_REQUEST, false, false, 0},
    {"408", STEP, STATUS(408), LLM_TIMEOUT_TOTAL, true, true, 0},
    {"413", STEP, STATUS(413), LLM_BAD_REQUEST, false, false, 0},
    {"422", STEP, STATUS(422), LLM_BAD_REQUEST, false, false, 0},
    {"context length", STEP,
     WITH_BODY(400, "{\"error\":{\"code\":\"context_length_exceeded\"}}"), LLM_CONTEXT_LENGTH,
     false, false, 0},
    {"content filter", STEP, WITH_BODY(400, "{\"error\":{\"code\":\"content_filter\"}}"),
     LLM_CONTENT_FILTER, false, false, 0},
    {"429", STEP, STATUS(429), LLM_RATE_LIMITED, true, true, 2},
    {"429 for a second", STEP, LIMITED("Retry-After: 1"), LLM_RATE_LIMITED, true, true, 2},
    {"429 for 30 ms", STEP, LIMITED("retry-after-ms: 30"), LLM_RATE_LIMITED, true, true, 2},
    {"429 till a date long past", STEP, LIMITED("Retry-After: Sun, 06 Nov 1994 08:49:37 GMT"),
     LLM_RATE_LIMITED, true, true, 2},
    {"429 till a date far off", STEP, LIMITED("Retry-After: Fri, 31 Dec 2060 23:59:59 GMT"),
     LLM_RATE_LIMITED, true, false, 2},
    {"429 for less than nothing", STEP, LIMITED("Retry-After: -7"), LLM_RATE_LIMITED, true,
     true, 2},
    {"429 for 31 years", STEP, LIMITED("Retry-After: 1000000000"), LLM_RATE_LIMITED, true,
     false, 2},
    {"429 for a word", STEP, LIMITED("Retry-After: soon"), LLM_RATE_LIMITED, true, true, 2},
    {"429 without money", STEP, WITH_BODY(429, "{\"error\":{\"code\":\"insufficient_quota\"}}"),
     LLM_QUOTA, true, false, 2},
    {"500", STEP, STATUS(500), LLM_SERVER_ERROR, true, true, 0},
    {"502", STEP, WITH_BODY(502, "<html>Bad Gateway</html>"), LLM_SERVER_ERROR, true, true, 0},
    {"503", STEP, STATUS(503), LLM_OVERLOADED, true, true, 0},
    {"503 for a second",
     STEP,
     {.act = STUB_BODY, .status = 503, .headers = "Retry-After: 1\r\n"},
     LLM_OVERLOADED,
     true,
     true,
     0},
    {"503 for a day",
     STEP,
     {.act = STUB_BODY, .status = 503, .headers = "Retry-After: 86400\r\n"},
     LLM_OVERLOADED,
     true,
     false,
     0},
    {"529", STEP, WITH_BODY(529, "{\"error\":{\"type\":\"overloaded_error\"}}"), LLM_OVERLOADED,
     true, true, 0},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static const struct {
    const char *variable, *provider, *model;
} places[LLM_STUBS] = {{"OPENAI_BASE_URL", "openai", "one"},
                       {"ANTHROPIC_BASE_URL", "anthropic", "two"},
                       {"OLLAMA_BASE_URL", "ollama", "three"}};

static const struct llm_stub_step unauthorized = STATUS(401);

/* Only what takes too long is given little time: a busy machine takes its time, too. */
static void
misbehave(size_t place, int row)
{
    if (rows[row].step.act == STUB_HANG || rows[row].step.act == STUB_PAD)
        llm_set("llm.first_byte_ms=1000");
    if (rows[row].step.act == STUB_DRIBBLE)
        llm_set("llm.stall_ms=400");
    llm_script(place, &rows[row].step);
    switch (rows[row].kind) {
    case STEP:
        break;
    case REFUSE:
        llm_stub_refuse(llm_stubs[place]);
        break;
    case BAD_CERTIFICATE:
        llm_stub_destroy(&llm_stubs[place]);
        llm_stubs[place] = llm_stub_tls_new();
        setenv(places[place].variable, llm_stub_url(llm_stubs[place]), 1);
        break;
    case NO_NAME:
        setenv(places[place].variable, "https://nobody.invalid", 1);
        break;
    }
}

/* Requests that the stub reads, if it is called so often. */
static size_t
read_by(int row, size_t calls)
{
    return rows[row].kind == STEP ? calls : 0;
}

static void
expect_failure(const struct llm_told *told, size_t place, int row, int attempts)
{
    llm_expect(told, rows[row].cause, places[place].model);
    ck_assert_str_eq(told->provider, places[place].provider);
    ck_assert_int_eq(told->attempts, attempts);
    ck_assert_msg(llm_counted(places[place].provider, places[place].model,
                              llm_causes[rows[row].cause].name,
                              METRIC_LLM_REQUESTS) == (rows[row].again ? 2u : 1u),
                  "not every time: %s", llm_log());
}

/* Once, with others behind it: they are asked, or it is over. */
static void
try_before_others(size_t place, int row)
{
    size_t requests[LLM_STUBS] = {0};
    const struct llm_told *told;

    for (size_t i = 0; i < place; i++) {
        llm_script(i, &unauthorized);
        requests[i] = 1;
    }
    misbehave(place, row);
    llm_start();
    told = llm_ask();
    requests[place] = read_by(row, 1);
    if (rows[row].goes_on) {
        requests[place + 1] = 1;
        llm_expect(told, LLM_OK, places[place + 1].model);
        ck_assert_int_eq(told->attempts, (int)place + 2);
        ck_assert_uint_eq(llm_counted(places[place].provider, places[place + 1].provider,
                                      llm_causes[rows[row].cause].name, METRIC_LLM_FALLBACKS),
                          1);
    } else
        llm_expect(told, rows[row].cause, places[place].model);
    llm_expect_requests(requests[0], requests[1], requests[2]);
    llm_expect_breaker(places[place].provider, places[place].model,
                       (uint64_t)rows[row].breaker);
}

START_TEST(the_first_provider_fails)
{
    try_before_others(0, _i);
}
END_TEST

START_TEST(the_second_provider_fails)
{
    try_before_others(1, _i);
}
END_TEST

START_TEST(the_last_provider_fails)
{
    int calls = rows[_i].again ? 2 : 1;

    llm_script(0, &unauthorized);
    llm_script(1, &unauthorized);
    misbehave(2, _i);
    llm_start();
    expect_failure(llm_ask(), 2, _i, 2 + calls);
    llm_expect_requests(1, 1, read_by(_i, (size_t)calls));
}
END_TEST

/* Whatever happens to it, an ask that has nobody else to turn to ends. */
START_TEST(without_another_provider_every_ask_ends)
{
    int calls = rows[_i].again ? 2 : 1;

    llm_set(LLM_CHAIN_OF_ONE);
    misbehave(0, _i);
    llm_start();
    expect_failure(llm_ask(), 0, _i, calls);
    llm_expect_requests(read_by(_i, (size_t)calls), 0, 0);
    ck_assert_uint_eq(llm_counted("openai", "template", llm_causes[rows[_i].cause].name,
                                  METRIC_LLM_FALLBACKS),
                      1);
}
END_TEST

/* All three in the same way: no more requests than the budget, no fewer than there is reason
 * for. */
START_TEST(all_providers_fail_alike)
{
    size_t sum = 0, calls = rows[_i].goes_on ? 3 : 1;
    const struct llm_told *told;

    if (rows[_i].again)
        calls = 4; /* llm.attempts */
    for (size_t i = 0; i < LLM_STUBS; i++)
        misbehave(i, _i);
    llm_start();
    told = llm_ask();
    ck_assert_msg(told->cause == rows[_i].cause, "%s: %s", llm_causes[told->cause].name,
                  llm_log());
    for (size_t i = 0; i < LLM_STUBS; i++)
        sum += llm_stub_requests(llm_stubs[i]);
    ck_assert_uint_eq(sum, read_by(_i, calls));
}
END_TEST

TCase *
llm_table_case(void)
{
    TCase *tcase = case_new("table", llm_setup, llm_teardown);

    tcase_add_loop_test(tcase, the_first_provider_fails, 0, ROWS);
    tcase_add_loop_test(tcase, the_second_provider_fails, 0, ROWS);
    tcase_add_loop_test(tcase, the_last_provider_fails, 0, ROWS);
    tcase_add_loop_test(tcase, without_another_provider_every_ask_ends, 0, ROWS);
    tcase_add_loop_test(tcase, all_providers_fail_alike, 0, ROWS);
    return tcase;
}
