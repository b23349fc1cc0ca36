#include "tests/unit/explain/explain_help.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/kit/util/auto.h"

#define WORKSPACE "00000000-0000-0000-0000-000000000001"

enum { CALL_MS = 60000 };

pg_fixture_t *explain_fixture;
struct broker_world brokers;
llm_stub_t *stub;
tm_client_t *client;
pid_t explainer;

/* --- the process -------------------------------------------------------------------------- */

void
explain_set_up(void)
{
    static const char *const others[] = {"ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL",
                                         "OPENROUTER_API_KEY", "OLLAMA_BASE_URL"};

    explainer = 0;
    client = NULL;
    stub = llm_stub_new();
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        unsetenv(others[i]);
    setenv("OPENAI_API_KEY", "sk-of-a-test", 1);
    setenv("OPENAI_BASE_URL", llm_stub_url(stub), 1);
    broker_world_start(&brokers, explain_fixture, 1);
    broker_world_run(&brokers, "INSERT INTO workspaces (id, name) VALUES ('" OTHER_WORKSPACE
                               "', 'other')");
}

void
explain_tear_down(void)
{
    tm_client_destroy(&client);
    if (explainer)
        end_explainer(SIGKILL);
    broker_world_stop(&brokers);
    llm_stub_destroy(&stub);
}

static void
connect_client(void)
{
    struct tm_client_options options = {.brokers = brokers.endpoint[0]};

    client = tm_client_new(&options);
    ck_assert_ptr_nonnull(client);
    while (!tm_client_is_connected(client))
        ck_assert_int_ne(tm_client_wait(client, 10), TM_DRAINING);
}

static void
on_refusal(void *arg, tm_err_t err, const char *detail, tm_str_t body)
{
    (void)detail, (void)body;
    *(tm_err_t *)arg = err;
}

/* What is no question is refused by the service, once it is there. */
static void
await_service(void)
{
    const struct tm_call_spec spec = {
        .service = EXPLAIN_SERVICE, .deadline_ms = CALL_MS, .body = ""};
    tm_err_t err;

    do {
        err = TM_OK;
        ck_assert_int_eq(tm_client_call(client, &spec, on_refusal, &err), TM_OK);
        while (err == TM_OK)
            ck_assert_int_ne(tm_client_wait(client, 1000), TM_DRAINING);
    } while (err == TM_SERVICE_NOT_FOUND || err == TM_WORKER_LOST);
    ck_assert_int_eq(err, TM_BAD_REQUEST);
}

enum { ARGUMENTS_MAX = 20, ARGUMENT_BYTES = 300 };

/* Another program, not a copy of this one, which has threads. */
static void
run_explainer(const char *const *settings)
{
    static char texts[ARGUMENTS_MAX][ARGUMENT_BYTES];
    char *argv[ARGUMENTS_MAX + 1] = {NULL};
    size_t count = 0;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setenv("DATABASE_URL", brokers.url, 1);
    snprintf(texts[count++], ARGUMENT_BYTES, "%s", TUNEMILL);
    snprintf(texts[count++], ARGUMENT_BYTES, "explain");
    snprintf(texts[count++], ARGUMENT_BYTES, "--set=system.log_level=error");
    snprintf(texts[count++], ARGUMENT_BYTES, "--set=broker.brokers=%s", brokers.endpoint[0]);
    for (; *settings && count < ARGUMENTS_MAX; settings++)
        snprintf(texts[count++], ARGUMENT_BYTES, "--set=%s", *settings);
    for (size_t i = 0; i < count; i++)
        argv[i] = texts[i];
    execv(TUNEMILL, argv);
    _exit(127);
}

void
start_explainer(const char *const *settings)
{
    explainer = fork();
    ck_assert_int_ge(explainer, 0);
    if (explainer == 0)
        run_explainer(settings);
    if (!client)
        connect_client();
    await_service();
}

void
end_explainer(int signal_number)
{
    int status;

    kill(explainer, signal_number);
    ck_assert_int_eq(waitpid(explainer, &status, 0), explainer);
    ck_assert(signal_number == SIGKILL || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    explainer = 0;
}

/* --- questions ---------------------------------------------------------------------------- */

static void
on_return(void *arg, tm_err_t err, const char *detail, tm_str_t body)
{
    struct asked *self = arg;
    const char *what = "";

    self->is_over = true;
    self->err = err;
    snprintf(self->detail, sizeof(self->detail), "%s", detail);
    if (!err)
        ck_assert_msg(explain_answer_parse(body.data, body.size, &self->answer, &what) == TM_OK,
                      "%s: %.*s", what, (int)body.size, body.data);
}

static json_t *
facts_of(const char *text)
{
    tm_auto(tm_text) copy = strdup(text);
    json_t *facts;

    for (char *at = copy; (at = strchr(at, '\''));)
        *at = '"';
    facts = json_loads(copy, 0, NULL);
    ck_assert_msg(facts != NULL, "%s", copy);
    return facts;
}

void
ask_for(struct asked *self, const char *workspace, unsigned subject, const char *facts,
        uint32_t deadline_ms)
{
    struct explain_question question = {.kind = EXPLAIN_TUNE, .facts = facts_of(facts)};
    struct tm_call_spec spec = {.service = EXPLAIN_SERVICE, .deadline_ms = deadline_ms};
    tm_auto(tm_text) text = NULL;

    *self = (struct asked){.is_over = false};
    ck_assert_int_eq(tm_uuid_parse(workspace, strlen(workspace), &question.workspace), TM_OK);
    for (size_t i = 0; i < sizeof(subject); i++)
        question.subject.bytes[15 - i] = (uint8_t)(subject >> 8 * i);
    text = explain_question_text(&question);
    spec.body = text;
    spec.body_size = strlen(text);
    ck_assert_int_eq(tm_client_call(client, &spec, on_return, self), TM_OK);
    tm_client_flush(client);
    explain_question_fini(&question);
}

void
ask(struct asked *self, unsigned subject, const char *facts)
{
    ask_for(self, WORKSPACE, subject, facts, CALL_MS);
}

void
await(struct asked *asked, size_t count)
{
    for (size_t i = 0; i < count; i++)
        while (!asked[i].is_over)
            ck_assert_int_ne(tm_client_wait(client, 1000), TM_DRAINING);
}

void
asked_fini(struct asked *self)
{
    explain_answer_fini(&self->answer);
}

const char *
cause_of(struct asked *self, unsigned subject, const char *facts)
{
    ask(self, subject, facts);
    await(self, 1);
    ck_assert_msg(self->err == TM_OK, "%s", self->detail);
    return self->answer.cause;
}

void
expect_cause(unsigned subject, const char *facts, const char *cause)
{
    struct asked asked;

    ck_assert_str_eq(cause_of(&asked, subject, facts), cause);
    asked_fini(&asked);
}
