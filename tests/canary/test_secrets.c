/* No secret setting of a whole system is where others may read it: in the arguments of a
 * process, in the log, in what is printed of the settings, or in what a stub of Sentry hears.
 */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/kit/util/auto.h"
#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/settings.h"
#include "tests/support/command.h"
#include "tests/support/patience.h"
#include "tests/support/pg_suite.h"
#include "tests/support/sentry_world.h"
#include "tests/support/system.h"

#define MARK "kept-from-all-eyes" /* stands in the value of every secret */

enum { SECRETS_MAX = 16, SOON_MS = PATIENCE_MS, TEXT_MAX_BYTES = 1 << 20 };

static pg_fixture_t *fixture;
static llm_stub_t *sentry;
static struct system_up up;
static char assignments[SECRETS_MAX][1000];
static const char *more[2 * SECRETS_MAX + 9];

/* --- values ------------------------------------------------------------------------------- */

/* A value of the setting with the mark in it that the processes can work with. */
static void
mark_value(const char *key, char *value, size_t size)
{
    tm_auto(tm_text) url = pg_fixture_database(fixture);
    const char *host = llm_stub_url(sentry) + strlen("http://");

    if (strcmp(key, "database.url") == 0)
        snprintf(value, size, "%s password=" MARK "-1", url);
    else if (strcmp(key, "http.admin_token") == 0)
        snprintf(value, size, MARK "-2");
    else if (strcmp(key, "events.redis_url") == 0)
        snprintf(value, size, "redis://:" MARK "-3@127.0.0.1:1/0");
    else if (strcmp(key, "sentry.dsn") == 0)
        snprintf(value, size, "http://" SENTRY_KEY ":" MARK "-4@%s/42", host);
    else if (strcmp(key, "health.qdrant_url") == 0)
        snprintf(value, size, "http://user:" MARK "-5@127.0.0.1:1");
    else if (strcmp(key, "health.webhook_url") == 0)
        snprintf(value, size, "http://127.0.0.1:1/" MARK "-6");
    else if (strcmp(key, "health.slack_webhook_url") == 0)
        snprintf(value, size, "http://127.0.0.1:1/services/" MARK "-7");
    else
        ck_abort_msg("%s is secret, and has no value in this test", key);
}

static void
mark_all(void)
{
    static const char *const others[] = {
        "system.log_level=debug", "health.webhook_hold_seconds=0", "health.webhook_retry_ms=10",
        "health.interval_ms=200"};
    settings_t *settings = settings_new();
    struct settings_secret secret;
    size_t at = 0;

    for (size_t i = 0; settings_secret(settings, i, &secret); i++) {
        char value[800];

        ck_assert_uint_lt(i, SECRETS_MAX);
        mark_value(secret.key, value, sizeof(value));
        snprintf(assignments[i], sizeof(assignments[i]), "%s=%s", secret.key, value);
        more[at++] = "--set";
        more[at++] = assignments[i];
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        more[at++] = "--set";
        more[at++] = others[i];
    }
    more[at] = NULL;
    settings_destroy(&settings);
}

static void
set_up(void)
{
    sentry = llm_stub_new();
    llm_stub_script(sentry, &sentry_takes, 1);
    mark_all();
    setenv("OPENAI_API_KEY", MARK "-8", 1);
    setenv("OPENAI_BASE_URL", "http://127.0.0.1:1", 1);
    setenv("TUNEMILL_LLM_CHAIN", "openai", 1);
    system_start_with(&up, "1", more);
}

static void
tear_down(void)
{
    system_stop(&up);
    llm_stub_destroy(&sentry);
}

/* --- processes ---------------------------------------------------------------------------- */

static size_t
read_whole(const char *path, char *text)
{
    FILE *file = fopen(path, "re");
    size_t size = file ? fread(text, 1, TEXT_MAX_BYTES - 1, file) : 0;

    if (file)
        fclose(file);
    text[size] = '\0';
    return size;
}

static pid_t
parent_of(pid_t pid, char *text)
{
    char path[64];
    const char *end;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    read_whole(path, text);
    end = strrchr(text, ')');
    return end ? (pid_t)strtol(end + 4, NULL, 10) : 0;
}

static bool
descends(pid_t pid, pid_t from, char *text)
{
    while (pid > 1 && pid != from)
        pid = parent_of(pid, text);
    return pid == from;
}

/* Of `up` and all that come from it; returns how many there are. */
static size_t
expect_no_argument(void)
{
    static char text[TEXT_MAX_BYTES];
    DIR *directory = opendir("/proc");
    const struct dirent *entry;
    size_t count = 0;

    ck_assert_ptr_nonnull(directory);
    while ((entry = readdir(directory))) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        char path[64];
        size_t size;

        if (pid <= 0 || !descends(pid, up.pid, text))
            continue;
        snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
        size = read_whole(path, text);
        for (size_t i = 0; i < size; i++)
            if (!text[i])
                text[i] = ' ';
        ck_assert_msg(!strstr(text, MARK), "%d: %s", (int)pid, text);
        count++;
    }
    closedir(directory);
    return count;
}

/* --- what the processes say --------------------------------------------------------------- */

/* A tune, and an explanation that no model writes: of that Sentry hears. */
static void
cause_errors(void)
{
    struct tune_post post = {.file = "tests/data/sp500_daily.csv",
                             .key = "secrets",
                             .seed = "1",
                             .prefer = "wait=60",
                             .param_space = "{\"period\":[10,20,30],\"k\":[1,1.5,2]}"};
    tm_auto(tm_text) tune = NULL;
    tm_auto(tm_text) body = NULL;
    char path[120];
    long status;

    system_post(&up, &post, 1, 1);
    tune = tune_post_text(&post, "tune_id");
    ck_assert_msg(post.status == 200 && tune, "%ld %s", post.status, post.body);
    tune_post_fini(&post);
    snprintf(path, sizeof(path), "/backtests/tunes/%s/explain", tune);
    body = system_ask(&up, "POST", path, &status);
    ck_assert_msg(status == 200, "%ld %s", status, body);
    sentry_await(sentry, 1);
}

static void
await_logged(const char *event)
{
    static char text[TEXT_MAX_BYTES];
    int64_t end_ms = clock_ms() + SOON_MS;

    for (;;) {
        read_whole(up.log, text);
        ck_assert_ptr_null(strstr(text, MARK));
        if (strstr(text, event))
            return;
        ck_assert_msg(clock_ms() < end_ms, "no %s in the log", event);
        usleep(20000);
    }
}

static void
expect_nothing_printed(void)
{
    const char *argv[] = {TUNEMILL, "help", "settings", NULL};
    struct command *help;

    setenv("ADMIN_TOKEN", MARK, 1);
    help = command_run(argv);
    ck_assert_int_eq(help->code, 0);
    ck_assert_ptr_nonnull(strstr(help->out, "http.admin_token"));
    ck_assert_ptr_null(strstr(help->out, MARK));
    command_destroy(&help);
}

START_TEST(no_secret_is_where_others_may_read_it)
{
    ck_assert_uint_ge(expect_no_argument(), 8); /* up, and seven kinds of processes */
    cause_errors();
    await_logged("webhook.failed");
    await_logged("explain");
    for (size_t n = 0; n < llm_stub_requests(sentry); n++) {
        tm_auto(tm_text) request = llm_stub_request(sentry, n);

        ck_assert_msg(!strstr(request, MARK), "%s", request);
    }
    expect_nothing_printed();
    expect_no_argument();
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("secrets");
    TCase *tcase = suite_case(suite, "secrets", set_up, tear_down);

    suite_tests(tcase, no_secret_is_where_others_may_read_it);
    return pg_suite_run(suite, &fixture);
}
