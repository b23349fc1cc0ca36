/* One trace through a whole system: the request, the broker's rows, the process that does the
 * work, what they log, and what a stub of Sentry hears of them. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/kit/util/auto.h"
#include "actors/kit/util/clock.h"
#include "tests/support/patience.h"
#include "tests/support/pg_fixture.h"
#include "tests/support/sentry_world.h"
#include "tests/support/suite.h"
#include "tests/support/system.h"

#define TRACE     "4bf92f3577b34da6a3ce929d0e0e4736"
#define OTHER     "4bf92f3577b34da6a3ce929d0e0e4737"
#define SPAN      "00f067aa0ba902b7"
#define KEY       "sk-of-a-model-0123456789"
#define SPACE     "{\"period\":[10,20,30],\"k\":[1,1.5,2]}"
#define WORKSPACE "00000000-0000-0000-0000-000000000001"
#define WORDS     "buy when the moon is full"

enum { SOON_MS = PATIENCE_MS, PAIR = 24, AT_ONCE = 4 };

static llm_stub_t *sentry, *model;
static struct system_up up;

static void
set_up(void)
{
    static const struct llm_stub_step broken = {
        .act = STUB_BODY, .status = 500, .body = "{\"error\":{\"message\":\"broken\"}}"};
    char *dsn;

    sentry = llm_stub_new();
    model = llm_stub_new();
    llm_stub_script(sentry, &sentry_takes, 1);
    llm_stub_script(model, &broken, 1);
    dsn = sentry_dsn_of(sentry);
    setenv("SENTRY_DSN", dsn, 1);
    free(dsn);
    setenv("TUNEMILL_SENTRY_TRACES_SAMPLE_RATE", "1", 1);
    setenv("TUNEMILL_SYSTEM_LOG_LEVEL", "debug", 1);
    setenv("ALLOW_LOCALHOST_ADMIN", "1", 1);
    setenv("OPENAI_API_KEY", KEY, 1);
    setenv("OPENAI_BASE_URL", llm_stub_url(model), 1);
    unsetenv("ANTHROPIC_API_KEY");
    unsetenv("OPENROUTER_API_KEY");
    unsetenv("OLLAMA_BASE_URL");
    setenv("TUNEMILL_LLM_CHAIN", "openai", 1);
    system_start(&up, "2");
}

static void
tear_down(void)
{
    system_stop(&up);
    llm_stub_destroy(&sentry);
    llm_stub_destroy(&model);
}

/* --- what is logged ----------------------------------------------------------------------- */

/* The first line of an event with this trace, the caller's; NULL: there is none yet. */
static json_t *
find_line(const char *event, const char *trace)
{
    char text[8192];
    FILE *log = fopen(up.log, "r");
    json_t *line = NULL;

    ck_assert_ptr_nonnull(log);
    while (!line && fgets(text, sizeof(text), log)) {
        line = json_loads(text, 0, NULL);
        if (strcmp(json_text_at(line, "event"), event) == 0 &&
            strcmp(json_text_at(line, "trace"), trace) == 0)
            break;
        json_decref(line);
        line = NULL;
    }
    fclose(log);
    return line;
}

static json_t *
await_line(const char *event, const char *actor, const char *trace)
{
    const int64_t end_ms = clock_ms() + SOON_MS;
    json_t *line;

    while (!(line = find_line(event, trace))) {
        ck_assert_msg(clock_ms() < end_ms, "no line %s with %s", event, trace);
        usleep(10000);
    }
    ck_assert_str_eq(json_text_at(line, "actor"), actor);
    ck_assert_uint_eq(strlen(json_text_at(line, "span")), 16);
    return line;
}

/* --- a tune ------------------------------------------------------------------------------- */

static char *
make_tune(const char *traceparent, char answered[64])
{
    struct tune_post post = {.file = "tests/data/sp500_daily.csv",
                             .key = "trace",
                             .seed = "1",
                             .prefer = "wait=30",
                             .traceparent = traceparent,
                             .param_space = SPACE};
    char *id;

    system_post(&up, &post, 1, 1);
    id = tune_post_text(&post, "tune_id");
    ck_assert_msg(post.status == 200 && id, "%ld %s", post.status, post.body);
    snprintf(answered, 64, "%s", post.answered_trace);
    tune_post_fini(&post);
    return id;
}

static char *
kept_trace(const char *tune)
{
    char sql[200];

    snprintf(sql, sizeof(sql), "SELECT traceparent FROM job_runs WHERE id = '%s'", tune);
    return pg_fixture_query(up.database, sql);
}

START_TEST(a_tune_is_one_trace_everywhere)
{
    char answered[64], expected[64];
    char *tune = make_tune("00-" TRACE "-" SPAN "-01", answered), *kept = kept_trace(tune);
    json_t *asked = await_line("http.answered", "http", TRACE);
    json_t *ended = await_line("tune.ended", "tune", TRACE);
    json_t *request = sentry_await_transaction(sentry, "POST /backtests/tune");
    json_t *job = sentry_await_transaction(sentry, "job tune");
    const char *span = json_text_at(asked, "span");

    snprintf(expected, sizeof(expected), "00-" TRACE "-%s-01", span);
    ck_assert_str_eq(answered, expected);
    ck_assert_str_eq(kept, expected);
    ck_assert_str_ne(span, SPAN);
    ck_assert_str_ne(span, json_text_at(ended, "span"));
    ck_assert_str_eq(json_text_at(request, "contexts/trace/trace_id"), TRACE);
    ck_assert_str_eq(json_text_at(request, "contexts/trace/span_id"), span);
    ck_assert_str_eq(json_text_at(request, "contexts/trace/parent_span_id"), SPAN);
    ck_assert_str_eq(json_text_at(request, "contexts/trace/op"), "http.server");
    ck_assert_str_eq(json_text_at(request, "contexts/trace/status"), "ok");
    ck_assert_str_eq(json_text_at(request, "tags/component"), "http");
    ck_assert_str_eq(json_text_at(job, "contexts/trace/trace_id"), TRACE);
    ck_assert_str_eq(json_text_at(job, "contexts/trace/span_id"), json_text_at(ended, "span"));
    ck_assert_str_eq(json_text_at(job, "contexts/trace/parent_span_id"), span);
    ck_assert_str_eq(json_text_at(job, "contexts/trace/op"), "queue.process");
    ck_assert_str_eq(json_text_at(job, "contexts/trace/data/messaging.message.id"), tune);
    ck_assert_str_eq(json_text_at(job, "contexts/trace/data/messaging.destination.name"),
                     "tune");
    ck_assert(json_number_value(json_at(job, "measurements/queue_wait/value")) > 0);
    ck_assert_str_eq(json_text_at(job, "tags/workspace_id"), WORKSPACE);
    ck_assert_str_eq(json_text_at(job, "tags/outcome"), "done");
    json_decref(asked);
    json_decref(ended);
    json_decref(request);
    json_decref(job);
    free(kept);
    free(tune);
}
END_TEST

/* --- calls -------------------------------------------------------------------------------- */

static json_t *
tell(const char *method, const char *path, const char *body, long wanted)
{
    long status;
    tm_auto(tm_text) text =
        system_tell(&up, method, path, "00-" OTHER "-" SPAN "-01", body, &status);

    ck_assert_msg(status == wanted, "%s: %ld %s", path, status, text);
    return json_loads(text, 0, NULL);
}

START_TEST(a_back_test_is_computed_in_the_trace_of_who_asks)
{
    char answered[64], path[200];
    tm_auto(tm_text) tune = make_tune(NULL, answered);
    json_t *runs, *line, *told;

    ck_assert_ptr_null(strstr(answered, OTHER));
    snprintf(path, sizeof(path), "/backtests/tunes/%s/runs?limit=1", tune);
    runs = tell("GET", path, NULL, 200);
    snprintf(path, sizeof(path), "/backtests/runs/%s", json_text_at(runs, "items/0/run_id"));
    json_decref(tell("GET", path, NULL, 200));
    line = await_line("backtest.computed", "tune", OTHER);
    told = sentry_await_transaction(sentry, "call backtest.run");
    ck_assert_str_eq(json_text_at(told, "contexts/trace/trace_id"), OTHER);
    ck_assert_str_eq(json_text_at(told, "contexts/trace/span_id"), json_text_at(line, "span"));
    json_decref(told);
    json_decref(line);
    json_decref(runs);
}
END_TEST

START_TEST(a_degraded_explanation_says_its_full_cause)
{
    char answered[64], path[200];
    tm_auto(tm_text) tune = make_tune(NULL, answered);
    json_t *answer, *line, *event, *told, *request;

    snprintf(path, sizeof(path), "/backtests/tunes/%s/explain", tune);
    answer = tell("POST", path, NULL, 200);
    ck_assert(json_is_true(json_object_get(answer, "degraded")));
    line = await_line("explain.answered", "explain", OTHER);
    event = sentry_await_event(sentry, "explain.degraded");
    ck_assert_str_eq(json_text_at(event, "level"), "warning");
    ck_assert_str_eq(json_text_at(event, "logger"), "explain");
    ck_assert_str_eq(json_text_at(event, "contexts/trace/trace_id"), OTHER);
    ck_assert_str_eq(json_text_at(event, "contexts/trace/span_id"), json_text_at(line, "span"));
    ck_assert_str_eq(json_text_at(event, "tags/reason"), "server_error");
    ck_assert_str_eq(json_text_at(event, "tags/http_status"), "500");
    ck_assert_str_eq(json_text_at(event, "tags/provider"), "openai");
    ck_assert_str_eq(json_text_at(event, "tags/workspace_id"), WORKSPACE);
    told = sentry_await_transaction(sentry, "call explain");
    ck_assert_str_eq(json_text_at(told, "tags/outcome"), "server_error");
    request = sentry_await_transaction(sentry, "POST /backtests/tunes/{id}/explain");
    ck_assert_str_eq(json_text_at(request, "contexts/trace/status"), "ok");
    ck_assert_str_eq(json_text_at(request, "tags/degraded"), "llm_error");
    json_decref(answer);
    json_decref(line);
    json_decref(event);
    json_decref(told);
    json_decref(request);
}
END_TEST

START_TEST(a_match_says_how_its_query_went)
{
    json_t *run, *told, *event;
    char path[100], body[300];

    run = tell(
        "POST", "/match-runs",
        "{\"intent\":{\"strategy_archetypes\":[\"mean_reversion\"],\"indicators\":[\"rsi\"],"
        "\"overall_confidence\":0.8},\"query\":\"" WORDS "\",\"top_k\":3}",
        200);
    told = sentry_await_transaction(sentry, "POST /match-runs");
    ck_assert(json_number_value(json_at(told, "measurements/kb.total_ms/value")) > 0);
    ck_assert_str_eq(json_text_at(told, "measurements/kb.total_ms/unit"), "millisecond");
    ck_assert_str_ne(json_text_at(told, "tags/kb_status"), "");
    ck_assert_str_eq(json_text_at(told, "tags/kb_confidence"), "0.80");
    ck_assert_str_eq(json_text_at(told, "tags/workspace_id"), WORKSPACE);
    snprintf(path, sizeof(path), "/admin/coverage/explain?workspace_id=" WORKSPACE);
    snprintf(body, sizeof(body),
             "{\"run_id\":\"%s\",\"strategy_id\":\"8fd7589a-97c6-49bf-a65e-357fb063fe33\"}",
             json_text_at(run, "run_id"));
    json_decref(tell("POST", path, body, 200));
    event = sentry_await_event(sentry, "explain.degraded");
    ck_assert_str_eq(json_text_at(event, "tags/strategy"),
                     "8fd7589a-97c6-49bf-a65e-357fb063fe33");
    ck_assert_str_ne(json_text_at(event, "tags/kb_status"), "");
    ck_assert_str_ne(json_text_at(event, "tags/kb_confidence"), "");
    json_decref(event);
    json_decref(told);
    json_decref(run);
    /* neither key nor prompt nor statement: only in the model's own requests */
    ck_assert(!sentry_has_text(sentry, KEY));
    ck_assert(!sentry_has_text(sentry, WORDS));
    ck_assert(!sentry_has_text(sentry, "<facts>"));
    ck_assert(!sentry_has_text(sentry, "SELECT "));
    ck_assert(!sentry_has_text(sentry, up.database));
    ck_assert_uint_gt(llm_stub_requests(model), 0);
}
END_TEST

/* --- what is not told, and what it costs -------------------------------------------------- */

START_TEST(a_clients_error_is_no_event)
{
    json_t *problem = tell("GET", "/backtests/tunes/nothing", NULL, 422), *told;

    ck_assert_str_eq(json_text_at(problem, "trace_id"), OTHER);
    json_decref(problem);
    json_decref(tell("GET", "/nowhere", NULL, 404));
    told = sentry_await_transaction(sentry, "any unknown");
    ck_assert_str_eq(json_text_at(told, "contexts/trace/status"), "not_found");
    json_decref(told);
    for (size_t n = 0; n < llm_stub_requests(sentry); n++) {
        struct envelope envelope;

        envelope_read(sentry, n, &envelope);
        ck_assert_ptr_null(envelope_item(&envelope, "event"));
        envelope_fini(&envelope);
    }
}
END_TEST

/* What the system itself gets wrong is told: by the bridge, and by whoever did the work. */
START_TEST(an_internal_error_is_an_event)
{
    struct tune_post post = {.file = "tests/data/sp500_daily.csv",
                             .key = "broken",
                             .seed = "1",
                             .prefer = "wait=0",
                             .traceparent = "00-" TRACE "-" SPAN "-01",
                             .param_space = SPACE};
    json_t *event;

    free(pg_fixture_query(up.database,
                          "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql"
                          " AS 'BEGIN RAISE ''" WORDS "''; END'"));
    free(pg_fixture_query(up.database, "CREATE TRIGGER broken BEFORE INSERT ON job_runs"
                                       " FOR EACH ROW EXECUTE FUNCTION broken()"));
    free(pg_fixture_query(up.database, "DROP TABLE match_runs CASCADE"));
    json_decref(tell("POST", "/match-runs",
                     "{\"intent\":{\"indicators\":[\"rsi\"]},\"query\":\"" WORDS "\"}", 500));
    event = sentry_await_event(sentry, "http.failed");
    ck_assert_str_eq(json_text_at(event, "exception/values/0/value"), "MATCH_RUN");
    ck_assert_str_eq(json_text_at(event, "tags/reason"), "INTERNAL");
    ck_assert_str_eq(json_text_at(event, "contexts/trace/trace_id"), OTHER);
    json_decref(event);
    system_post(&up, &post, 1, 1);
    ck_assert_int_eq(post.status, 202);
    tune_post_fini(&post);
    event = sentry_await_event(sentry, "tune.failed");
    ck_assert_str_eq(json_text_at(event, "tags/reason"), "INTERNAL");
    ck_assert_str_eq(json_text_at(event, "tags/workspace_id"), WORKSPACE);
    ck_assert_str_eq(json_text_at(event, "contexts/trace/trace_id"), TRACE);
    ck_assert_str_eq(json_text_at(event, "breadcrumbs/values/0/category"), "tune");
    json_decref(event);
    ck_assert(!sentry_has_text(sentry, WORDS));
    ck_assert(!sentry_has_text(sentry, "match_run_record")); /* of the statement */
}
END_TEST

static int64_t
post_many_ms(const char *name)
{
    struct tune_post posts[PAIR] = {{0}};
    char keys[PAIR][32], seeds[PAIR][8];
    int64_t started_ms = clock_ms();

    for (int i = 0; i < PAIR; i++) {
        snprintf(keys[i], sizeof(keys[i]), "%s-%d", name, i);
        snprintf(seeds[i], sizeof(seeds[i]), "%d", i);
        posts[i] = (struct tune_post){.file = "tests/data/sp500_daily.csv",
                                      .key = keys[i],
                                      .seed = seeds[i],
                                      .prefer = "wait=60",
                                      .param_space = SPACE};
    }
    system_post(&up, posts, PAIR, AT_ONCE);
    for (int i = 0; i < PAIR; i++) {
        ck_assert_msg(posts[i].status == 200, "%ld %s", posts[i].status, posts[i].body);
        tune_post_fini(&posts[i]);
    }
    return clock_ms() - started_ms;
}

/* Pairs, of which the best counts: the machine has others, too. */
START_TEST(a_sentry_that_hangs_slows_no_job)
{
    static const struct llm_stub_step hang = {.act = STUB_HANG};
    int64_t taken_ms, hung_ms;
    double best = 1e9;
    char name[16];

    post_many_ms("warm");
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof(name), "taken%d", i);
        llm_stub_script(sentry, &sentry_takes, 1);
        taken_ms = post_many_ms(name);
        snprintf(name, sizeof(name), "hung%d", i);
        llm_stub_script(sentry, &hang, 1);
        hung_ms = post_many_ms(name);
        if ((double)hung_ms / (double)taken_ms < best)
            best = (double)hung_ms / (double)taken_ms;
    }
    ck_assert_msg(best < 1.5, "%.2f times as long", best);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("trace");
    TCase *all = suite_case(suite, "all", set_up, tear_down);

    suite_tests(all, a_tune_is_one_trace_everywhere,
                a_back_test_is_computed_in_the_trace_of_who_asks,
                a_degraded_explanation_says_its_full_cause, a_match_says_how_its_query_went,
                a_clients_error_is_no_event, an_internal_error_is_an_event,
                a_sentry_that_hangs_slows_no_job);
    return suite_run(suite);
}
