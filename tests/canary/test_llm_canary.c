/* Canary LLMTimeoutFallback: every provider is dead, and a tune is explained all the same. */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/suite.h"
#include "tests/support/system.h"

#define KEY "sk-canary-0123456789"

enum { ATTEMPTS = 4, BACKLOG = 64 };

static struct system_up up;
static int dead; /* connections are taken, and nothing is ever said to them */

static void
set_up(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    char url[64];

    dead = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(dead, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(dead, BACKLOG), 0);
    ck_assert_int_eq(getsockname(dead, (struct sockaddr *)&address, &size), 0);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    setenv("OPENAI_API_KEY", KEY, 1);
    setenv("OPENAI_BASE_URL", url, 1);
    setenv("ANTHROPIC_API_KEY", KEY, 1);
    setenv("ANTHROPIC_BASE_URL", url, 1);
    setenv("OLLAMA_BASE_URL", url, 1);
    setenv("LLM_TIMEOUT_SECONDS", "1", 1);
    unsetenv("OPENROUTER_API_KEY");
    unsetenv("LLM_MODEL");
    system_start(&up, "1");
}

static void
tear_down(void)
{
    system_stop(&up);
    close(dead);
}

/* Connections since the last look. */
static int
count_asked(void)
{
    int count = 0, fd;

    while ((fd = accept(dead, NULL, NULL)) >= 0) {
        close(fd);
        count++;
    }
    return count;
}

static char *
make_tune(void)
{
    struct tune_post post = {.file = "tests/data/sp500_daily.csv",
                             .key = "canary",
                             .seed = "1",
                             .prefer = "wait=30",
                             .param_space = "{\"period\":[10,20,30],\"k\":[1,1.5,2]}"};
    char *id;

    system_post(&up, &post, 1, 1);
    id = tune_post_text(&post, "tune_id");
    ck_assert_msg(post.status == 200 && id, "%ld %s", post.status, post.body);
    tune_post_fini(&post);
    return id;
}

/* The reason why no model wrote the text, which is there all the same. */
static char *
explain(const char *tune)
{
    char path[120], *body, *reason;
    long status;
    json_t *root;

    snprintf(path, sizeof(path), "/backtests/tunes/%s/explain", tune);
    body = system_ask(&up, "POST", path, &status);
    ck_assert_msg(status == 200, "%ld %s", status, body);
    root = json_loads(body, 0, NULL);
    ck_assert(json_is_true(json_object_get(root, "degraded")));
    ck_assert_str_eq(json_string_value(json_object_get(root, "provider")), "fallback");
    ck_assert_ptr_nonnull(
        strstr(json_string_value(json_object_get(root, "explanation")), "9 trials"));
    reason = strdup(json_string_value(json_object_get(root, "reason_code")));
    json_decref(root);
    free(body);
    return reason;
}

static void
expect_reason(const char *tune, const char *wanted)
{
    char *reason = explain(tune);

    ck_assert_str_eq(reason, wanted);
    free(reason);
}

static void
expect_no_key_in_the_log(void)
{
    char line[4096];
    FILE *log = fopen(up.log, "r");

    ck_assert_ptr_nonnull(log);
    while (fgets(line, sizeof(line), log))
        ck_assert_msg(!strstr(line, KEY), "%s", line);
    fclose(log);
}

START_TEST(llm_timeout_fallback)
{
    char *tune = make_tune();
    int asked;

    expect_reason(tune, "llm_timeout");
    asked = count_asked();
    ck_assert_msg(asked >= 1 && asked <= ATTEMPTS, "asked %d times", asked);
    expect_reason(tune, "llm_timeout"); /* it was not kept: the models are asked again */
    ck_assert_int_le(count_asked(), ATTEMPTS);
    expect_no_key_in_the_log();
    free(tune);
}
END_TEST

START_TEST(a_dead_explain_process_and_a_dead_broker_cost_the_same)
{
    static const char *const victims[] = {"explain", "broker"};
    char *tune = make_tune();

    for (size_t i = 0; i < 2; i++) {
        kill(system_child(&up, victims[i]), SIGKILL);
        free(explain(tune)); /* whichever: it is being started again */
    }
    free(tune);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("llm canary");
    TCase *tcase = suite_case(suite, "system", set_up, tear_down);

    suite_tests(tcase, llm_timeout_fallback,
                a_dead_explain_process_and_a_dead_broker_cost_the_same);
    return suite_run(suite);
}
