#include "tests/unit/explain/llm_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/log.h"
#include "tests/support/pace.h"
#include "tests/support/patience.h"
#include "tests/support/meter.h"

enum { GUARD_MS = PATIENCE_MS, LATE_MS = 1000 };

llm_stub_t *llm_stubs[LLM_STUBS];
llm_chain_t *llm_chain;
loop_t *llm_loop;
meters_t *llm_meters;
int llm_deadline_ms;

static settings_t *settings;
static FILE *captured;
static int saved_stderr;
static size_t awaited;

/* --- life --------------------------------------------------------------------------------- */

static void
capture(void)
{
    captured = tmpfile();
    ck_assert_ptr_nonnull(captured);
    saved_stderr = dup(STDERR_FILENO);
    dup2(fileno(captured), STDERR_FILENO);
    log_init("test", LOG_AT_DEBUG);
}

const char *
llm_log(void)
{
    static char *text;
    struct stat st;
    size_t size;

    free(text);
    ck_assert_int_eq(fstat(fileno(captured), &st), 0);
    text = calloc(1, (size_t)st.st_size + 1);
    size = (size_t)pread(fileno(captured), text, (size_t)st.st_size, 0);
    ck_assert_uint_eq(size, (size_t)st.st_size);
    return text;
}

static void
set_variables(void)
{
    char url[128];

    snprintf(url, sizeof(url), "%s/v1", llm_stub_url(llm_stubs[0]));
    setenv("OPENAI_BASE_URL", url, 1);
    setenv("ANTHROPIC_BASE_URL", llm_stub_url(llm_stubs[1]), 1);
    setenv("OLLAMA_BASE_URL", llm_stub_url(llm_stubs[2]), 1);
    setenv("OPENAI_API_KEY", LLM_OPENAI_KEY, 1);
    setenv("ANTHROPIC_API_KEY", LLM_ANTHROPIC_KEY, 1);
    unsetenv("OPENROUTER_API_KEY");
    unsetenv("OPENROUTER_BASE_URL");
}

void
llm_setup(void)
{
    static const char *const quick[] = {LLM_CHAIN_OF_THREE, "llm.backoff_ms=1",
                                        "llm.max_backoff_ms=2", "llm.cooldown_ms=20"};

    capture();
    llm_deadline_ms = 20000;
    awaited = 0;
    for (size_t i = 0; i < LLM_STUBS; i++)
        llm_stubs[i] = llm_stub_new();
    set_variables();
    settings = settings_new();
    for (size_t i = 0; i < sizeof(quick) / sizeof(quick[0]); i++)
        llm_set(quick[i]);
    llm_loop = loop_new();
    llm_meters = meters_new("test");
}

void
llm_teardown(void)
{
    char *text;

    llm_chain_destroy(&llm_chain);
    loop_destroy(&llm_loop);
    for (size_t i = 0; i < LLM_STUBS; i++)
        llm_stub_destroy(&llm_stubs[i]);
    settings_destroy(&settings);
    text = meters_render(llm_meters, NULL);
    ck_assert_ptr_null(strstr(text, LLM_SECRET));
    free(text);
    meters_destroy(&llm_meters);
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    ck_assert_ptr_null(strstr(llm_log(), LLM_SECRET));
    fclose(captured);
}

void
llm_set(const char *assignment)
{
    char detail[256] = "";

    ck_assert_msg(settings_set(settings, assignment, detail, sizeof(detail)) == TM_OK, "%s",
                  detail);
}

void
llm_start(void)
{
    llm_chain = llm_chain_new(llm_loop, settings, llm_meters);
    ck_assert_ptr_nonnull(llm_chain);
}

void
llm_script(size_t stub, const struct llm_stub_step *step)
{
    llm_stub_script(llm_stubs[stub], step, 1);
}

/* --- asking ------------------------------------------------------------------------------- */

static void
copy(char *to, size_t room, const char *from)
{
    snprintf(to, room, "%s", from ? from : "(none)");
}

static void
on_done(void *arg, const struct llm_outcome *outcome)
{
    struct llm_told *told = arg;

    ck_assert(pace_allows((clock_us() - told->deadline_us) / 1000, LATE_MS));
    ck_assert_msg((outcome->cause == LLM_OK) == (outcome->text != NULL), "%s",
                  llm_causes[outcome->cause].name);
    if (outcome->text)
        ck_assert_uint_eq(strlen(outcome->text), outcome->size);
    *told = (struct llm_told){.times = told->times + 1,
                              .cause = outcome->cause,
                              .status = outcome->status,
                              .attempts = outcome->attempts,
                              .is_cut = outcome->is_cut,
                              .tokens_in = outcome->tokens_in,
                              .tokens_out = outcome->tokens_out,
                              .deadline_us = told->deadline_us,
                              .cost = outcome->cost_microdollars};
    copy(told->text, sizeof(told->text), outcome->text);
    copy(told->provider, sizeof(told->provider), outcome->provider);
    copy(told->model, sizeof(told->model), outcome->model);
    copy(told->what, sizeof(told->what), outcome->what);
    if (awaited > 0 && --awaited == 0)
        loop_stop(llm_loop);
}

uint64_t
llm_begin(struct llm_told *told)
{
    const struct llm_prompt prompt = {.system = "Be brief.",
                                      .user = "What do these figures say?",
                                      .deadline_us =
                                          clock_us() + (int64_t)llm_deadline_ms * 1000};
    uint64_t id;

    *told = (struct llm_told){.deadline_us = prompt.deadline_us};
    id = llm_chain_ask(llm_chain, &prompt, on_done, told);
    ck_assert_int_eq(told->times, 0); /* never from inside */
    ck_assert_uint_ne(id, 0);
    return id;
}

static void
give_up(void *arg)
{
    (void)arg;
    ck_abort_msg("an ask did not end");
}

void
llm_wait(size_t count)
{
    int guard = loop_timer(llm_loop, GUARD_MS, false, give_up, NULL);

    awaited = count;
    loop_run(llm_loop);
    loop_timer_end(llm_loop, guard);
    ck_assert_uint_eq(awaited, 0);
}

const struct llm_told *
llm_ask(void)
{
    static struct llm_told told;

    llm_begin(&told);
    llm_wait(1);
    ck_assert_int_eq(told.times, 1);
    return &told;
}

/* --- expecting ---------------------------------------------------------------------------- */

void
llm_expect(const struct llm_told *told, enum llm_cause cause, const char *model)
{
    ck_assert_int_eq(told->times, 1);
    ck_assert_msg(told->cause == cause && strcmp(told->model, model) == 0,
                  "%s of %s, not %s of %s; %s", llm_causes[told->cause].name, told->model,
                  llm_causes[cause].name, model, llm_log());
    if (cause == LLM_OK)
        ck_assert_str_eq(told->text, LLM_STUB_TEXT);
}

void
llm_expect_requests(size_t one, size_t two, size_t three)
{
    const size_t got[] = {llm_stub_requests(llm_stubs[0]), llm_stub_requests(llm_stubs[1]),
                          llm_stub_requests(llm_stubs[2])};

    ck_assert_msg(got[0] == one && got[1] == two && got[2] == three,
                  "%zu %zu %zu requests, not %zu %zu %zu; %s", got[0], got[1], got[2], one, two,
                  three, llm_log());
}

void
llm_expect_breaker(const char *provider, const char *model, uint64_t state)
{
    char label[128];

    snprintf(label, sizeof(label), "%s" METRICS_AND "%s", provider, model);
    ck_assert_msg(meter_of(llm_meters, METRIC_LLM_BREAKER, label) == state, "%s", llm_log());
}

uint64_t
llm_counted(const char *a, const char *b, const char *c, metric_t metric)
{
    char label[192];

    snprintf(label, sizeof(label), "%s" METRICS_AND "%s" METRICS_AND "%s", a, b, c);
    return meter_of(llm_meters, metric, label);
}
