/* What Sentry's part of the kit is made of, without a network. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/kit/util/auto.h"
#include "actors/kit/runtime/log.h"
#include "actors/kit/sentry/sentry_dsn.h"
#include "actors/kit/sentry/sentry_limits.h"
#include "actors/kit/sentry/sentry_scrub.h"
#include "actors/kit/sentry/sentry_throttle.h"
#include "tests/support/suite.h"

/* --- DSN ---------------------------------------------------------------------------------- */

static const struct {
    const char *text, *key, *url; /* key NULL: refused */
} dsns[] = {
    {"https://abc@o1.ingest.sentry.io/42", "abc",
     "https://o1.ingest.sentry.io/api/42/envelope/"},
    {"http://abc:def@localhost:9000/42", "abc", "http://localhost:9000/api/42/envelope/"},
    {"http://abc:@localhost/42", "abc", "http://localhost/api/42/envelope/"},
    {"https://abc@host/a/b/c/42", "abc", "https://host/a/b/c/api/42/envelope/"},
    {"https://abc@host/project", "abc", "https://host/api/project/envelope/"},
    {"http://abc@[::1]:9000/42", "abc", "http://[::1]:9000/api/42/envelope/"},
    {"http://abc@host:65535/42", "abc", "http://host:65535/api/42/envelope/"},
    {"", NULL, NULL},
    {"abc", NULL, NULL},
    {"ftp://abc@host/42", NULL, NULL},
    {"https://host/42", NULL, NULL},
    {"https://@host/42", NULL, NULL},
    {"https://:def@host/42", NULL, NULL},
    {"https://abc@/42", NULL, NULL},
    {"https://abc@host", NULL, NULL},
    {"https://abc@host/", NULL, NULL},
    {"https://abc@host/42/", NULL, NULL},
    {"https://abc@host//42", NULL, NULL},
    {"https://abc@host:0/42", NULL, NULL},
    {"https://abc@host:65536/42", NULL, NULL},
    {"https://abc@host:99999999999999999999/42", NULL, NULL},
    {"https://abc@host:/42", NULL, NULL},
    {"https://abc@host/42?x=1", NULL, NULL},
    {"https://abc@host/42#x", NULL, NULL},
    {"https://abc@host/4 2", NULL, NULL},
    {"https://a,b@host/42", NULL, NULL},
    {"https://a\r\nX: y@host/42", NULL, NULL},
    {"https://abc@host\r\n/42", NULL, NULL},
    {"https://abc@other@host/42", NULL, NULL},
    {"https://abc@[::1/42", NULL, NULL},
    {" https://abc@host/42", NULL, NULL},
};

START_TEST(a_dsn_says_where_and_as_whom)
{
    struct sentry_dsn dsn = {.url = "unwritten"};
    bool is_good = sentry_dsn_parse(dsns[_i].text, strlen(dsns[_i].text), &dsn);

    ck_assert_msg(is_good == (dsns[_i].key != NULL), "%s", dsns[_i].text);
    if (!is_good) {
        ck_assert_str_eq(dsn.url, "unwritten");
        return;
    }
    ck_assert_str_eq(dsn.key, dsns[_i].key);
    ck_assert_str_eq(dsn.url, dsns[_i].url);
}
END_TEST

START_TEST(a_dsn_with_a_nul_or_without_end_is_refused)
{
    static const char nul[] = "https://a\0b@host/42";
    char endless[SENTRY_DSN_MAX + 2];
    struct sentry_dsn dsn;

    ck_assert(!sentry_dsn_parse(nul, sizeof(nul) - 1, &dsn));
    memset(endless, 'a', sizeof(endless));
    memcpy(endless, "https://a@h/", 12);
    ck_assert(!sentry_dsn_parse(endless, SENTRY_DSN_MAX + 1, &dsn));
    ck_assert(sentry_dsn_parse(endless, SENTRY_DSN_MAX, &dsn));
}
END_TEST

/* --- limits ------------------------------------------------------------------------------- */

static const struct {
    const char *header;
    int64_t error_s, transaction_s; /* from now; 0: none */
} limits[] = {
    {"60:error:organization", 60, 0},
    {"60:transaction:key", 0, 60},
    {"60:default:organization:quota", 60, 0},
    {"60::organization", 60, 60},
    {"60", 60, 60},
    {"60:error;transaction:organization", 60, 60},
    {"60: error ; transaction :x", 60, 60},
    {"60:error:x, 2700:default;error;security:organization", 2700, 0},
    {"2700:error:x, 60:error:x", 2700, 0},
    {"60:attachment;session:project:reason:custom", 0, 0},
    {"60:metric_bucket:organization:quota:custom", 0, 0},
    {" 10 :error:x,20:transaction:y:z:n1;n2", 10, 20},
    {"2.5:error:x", 2, 0},
    {"0:error:x", 0, 0},
    {"soon:error:x", 60, 0}, /* a number that is none: the usual time */
    {"-5:error:x", 60, 0},
    {":error:x", 60, 0},
    {",,", 0, 0},
    {"", 0, 0},
};

START_TEST(a_limit_is_for_what_it_names)
{
    const int64_t now_ms = 1000000;
    struct sentry_limits self = {{0, 0}};

    sentry_limits_read(&self, limits[_i].header, now_ms);
    for (unsigned i = 0; i < SENTRY_CATEGORY_COUNT; i++) {
        const enum sentry_category category = (enum sentry_category)i;
        const int64_t ms =
            1000 * (i == SENTRY_ERROR ? limits[_i].error_s : limits[_i].transaction_s);
        const int64_t last_ms = now_ms + (ms ? ms - 1 : 0);

        ck_assert_msg(sentry_limits_has(&self, category, last_ms) == (ms > 0), "%s",
                      limits[_i].header);
        ck_assert(!sentry_limits_has(&self, category, now_ms + ms + 999));
    }
}
END_TEST

START_TEST(a_shorter_limit_does_not_end_a_longer_one)
{
    struct sentry_limits self = {{0, 0}};

    sentry_limits_read(&self, "100:error:x", 0);
    sentry_limits_read(&self, "10:error:x", 0);
    ck_assert(sentry_limits_has(&self, SENTRY_ERROR, 99999));
    sentry_limits_read(&self, "99999999999999999999:error:x", 0);
    ck_assert(sentry_limits_has(&self, SENTRY_ERROR, INT64_C(86400000)));
}
END_TEST

static const struct {
    const char *retry_after;
    int64_t ms;
} refusals[] = {
    {NULL, 60000},       {"", 60000},   {"7", 7000},
    {"nonsense", 60000}, {"-1", 60000}, {"Thu, 01 Jan 1970 00:16:50 GMT", 10000},
};

START_TEST(too_many_requests_limits_everything)
{
    struct sentry_limits self = {{0, 0}};

    sentry_limits_refused(&self, refusals[_i].retry_after, 500, 1000000);
    for (unsigned i = 0; i < SENTRY_CATEGORY_COUNT; i++) {
        ck_assert(sentry_limits_has(&self, (enum sentry_category)i, 500 + refusals[_i].ms - 1));
        ck_assert(!sentry_limits_has(&self, (enum sentry_category)i, 500 + refusals[_i].ms));
    }
}
END_TEST

/* --- throttle ----------------------------------------------------------------------------- */

START_TEST(the_same_passes_once_a_second_and_is_counted)
{
    struct throttle self = {0};
    uint64_t held = 99;

    ck_assert(throttle_pass(&self, "a.b", NULL, 1000, &held));
    ck_assert_uint_eq(held, 0);
    ck_assert(!throttle_pass(&self, "a.b", NULL, 1999, &held));
    ck_assert(!throttle_pass(&self, "a.b", NULL, 1999, &held));
    ck_assert(throttle_pass(&self, "a.b", "why", 1999, &held)); /* another */
    ck_assert(throttle_pass(&self, "a.c", NULL, 1999, &held));
    ck_assert(throttle_pass(&self, "a.b", NULL, 2000, &held));
    ck_assert_uint_eq(held, 2);
    ck_assert(throttle_pass(&self, "a.b", NULL, 3000, &held));
    ck_assert_uint_eq(held, 0);
}
END_TEST

START_TEST(more_kinds_than_slots_all_pass)
{
    struct throttle self = {0};
    uint64_t held;
    char type[16];

    for (int i = 0; i < 3 * THROTTLE_SLOTS; i++) {
        snprintf(type, sizeof(type), "event.%d", i);
        ck_assert(throttle_pass(&self, type, NULL, 1000 + i, &held));
    }
}
END_TEST

/* --- scrubbing ---------------------------------------------------------------------------- */

static const struct {
    const char *text, *clean;
} scrubs[] = {
    {"{\"a\":\"nothing here\"}", "{\"a\":\"nothing here\"}"},
    {"{\"a\":\"sesame-open\"}", "{\"a\":\"[removed]\"}"},
    {"{\"a\":\"x sesame-open y sesame-open\"}", "{\"a\":\"x [removed] y [removed]\"}"},
    {"{\"sesame-open\":1}", "{\"[removed]\":1}"},
    {"{\"a\":\"quo\\\"ted\\\\\"}", "{\"a\":\"[removed]\"}"},
    {"{\"a\":\"postgres://me:pw@db/x\"}", "{\"a\":\"postgres://[removed]@db/x\"}"},
    {"{\"a\":\"http://host/a@b\"}", "{\"a\":\"http://host/a@b\"}"},
    {"{\"a\":\"user=me Password=pw host=x\"}", "{\"a\":\"user=me Password=[removed] host=x\"}"},
    {"{\"a\":\"short\"}", "{\"a\":\"short\"}"},
};

START_TEST(secrets_are_taken_out_and_json_stays)
{
    scrub_t *self = scrub_new();
    char *clean;
    json_t *json;

    scrub_add(self, "sesame-open");
    scrub_add(self, "quo\"ted\\");
    scrub_add(self, "short");
    clean = scrub_json(self, scrubs[_i].text);
    ck_assert_str_eq(clean, scrubs[_i].clean);
    json = json_loads(clean, 0, NULL);
    ck_assert_ptr_nonnull(json);
    json_decref(json);
    free(clean);
    scrub_destroy(&self);
}
END_TEST

/* A value of each secret setting, and what of it is secret by itself. */
static const struct {
    const char *key, *value, *parts[2];
} marked[] = {
    {"database.url", "postgres://me:database%20pw@db/x", {"database%20pw", "database pw"}},
    {"http.admin_token", "admin-sesame", {NULL}},
    {"events.redis_url", "redis://:redis-secret@host:6379/0", {"redis-secret"}},
    {"sentry.dsn",
     "https://0123456789abcdef:fedcba9876543210@host/42",
     {"0123456789abcdef", "fedcba9876543210"}},
    {"health.qdrant_url",
     "http://qdrant-user:qdrant-pw@host:6333",
     {"qdrant-user", "qdrant-pw"}},
    {"health.webhook_url", "https://host/hooks/0123456789", {"/hooks/0123456789"}},
    {"health.slack_webhook_url",
     "https://hooks.slack.com/services/T0/B0/xyz",
     {"/services/T0/B0/xyz"}},
};
enum { MARKED = sizeof(marked) / sizeof(marked[0]) };

static settings_t *
marked_settings(void)
{
    settings_t *settings = settings_new();
    char assignment[200], detail[200];

    for (size_t i = 0; i < MARKED; i++) {
        snprintf(assignment, sizeof(assignment), "%s=%s", marked[i].key, marked[i].value);
        ck_assert_int_eq(settings_set(settings, assignment, detail, sizeof(detail)), TM_OK);
    }
    return settings;
}

START_TEST(every_secret_setting_is_marked_here)
{
    settings_t *settings = marked_settings();
    struct settings_secret secret;
    size_t count = 0;

    for (; settings_secret(settings, count, &secret); count++) {
        bool is_marked = false;

        for (size_t i = 0; i < MARKED; i++)
            is_marked = is_marked || strcmp(secret.key, marked[i].key) == 0;
        ck_assert_msg(is_marked, "%s has no value in this test", secret.key);
    }
    ck_assert_uint_eq(count, MARKED);
    settings_destroy(&settings);
}
END_TEST

static void
expect_removed(const scrub_t *self, const char *text)
{
    char *clean = scrub_json(self, text);

    ck_assert_msg(strcmp(clean, SCRUB_PUT) == 0, "%s becomes %s", text, clean);
    free(clean);
}

START_TEST(secrets_are_found_in_settings_and_environment)
{
    settings_t *settings = marked_settings();
    scrub_t *self = scrub_new();

    setenv("SOME_API_KEY", "sk-a-model", 1);
    scrub_settings(self, settings);
    expect_removed(self, "sk-a-model");
    for (size_t i = 0; i < MARKED; i++) {
        expect_removed(self, marked[i].value);
        for (size_t part = 0; part < 2 && marked[i].parts[part]; part++)
            expect_removed(self, marked[i].parts[part]);
    }
    scrub_destroy(&self);
    settings_destroy(&settings);
}
END_TEST

START_TEST(the_name_of_a_database_is_no_secret)
{
    settings_t *settings = settings_new();
    scrub_t *self = scrub_new();
    char detail[200], *clean;

    ck_assert_int_eq(settings_set(settings, "database.url=tunemill", detail, sizeof(detail)),
                     TM_OK);
    scrub_settings(self, settings);
    clean = scrub_json(self, "tunemill");
    ck_assert_str_eq(clean, "tunemill");
    free(clean);
    scrub_destroy(&self);
    settings_destroy(&settings);
}
END_TEST

/* The lines that `log_error` writes for each secret and part, after what the log was told. */
static char *
logged_secrets(void)
{
    FILE *log = tmpfile();
    int saved = dup(STDERR_FILENO);
    char *text = calloc(1, 65536);

    ck_assert(log && text);
    dup2(fileno(log), STDERR_FILENO);
    for (size_t i = 0; i < MARKED; i++) {
        log_error("leaks", "key=%s what=\"it is %s, or\" value=%s", marked[i].key,
                  marked[i].value, marked[i].value);
        for (size_t part = 0; part < 2 && marked[i].parts[part]; part++)
            log_warn("leaks.too", "what=\"%s\"", marked[i].parts[part]);
    }
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(log);
    text[fread(text, 1, 65535, log)] = '\0';
    fclose(log);
    return text;
}

START_TEST(the_log_tells_no_secret_and_stays_json)
{
    settings_t *settings = marked_settings();
    char *text, *rest, *line;
    size_t lines = 0;

    scrub_log(settings);
    text = logged_secrets();
    for (size_t i = 0; i < MARKED; i++) {
        ck_assert_ptr_null(strstr(text, marked[i].value));
        for (size_t part = 0; part < 2 && marked[i].parts[part]; part++)
            ck_assert_ptr_null(strstr(text, marked[i].parts[part]));
    }
    rest = text;
    while ((line = strsep(&rest, "\n")) && *line) {
        tm_auto(json) json = json_loads(line, 0, NULL);

        ck_assert_msg(json != NULL, "%s", line);
        lines++;
    }
    ck_assert_uint_gt(lines, MARKED);
    free(text);
    settings_destroy(&settings);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("sentry parts");
    TCase *all = suite_case(suite, "all", NULL, NULL);

    suite_rows(all, a_dsn_says_where_and_as_whom, dsns);
    suite_tests(all, a_dsn_with_a_nul_or_without_end_is_refused);
    suite_rows(all, a_limit_is_for_what_it_names, limits);
    suite_tests(all, a_shorter_limit_does_not_end_a_longer_one);
    suite_rows(all, too_many_requests_limits_everything, refusals);
    suite_tests(all, the_same_passes_once_a_second_and_is_counted,
                more_kinds_than_slots_all_pass);
    suite_rows(all, secrets_are_taken_out_and_json_stays, scrubs);
    suite_tests(all, every_secret_setting_is_marked_here,
                secrets_are_found_in_settings_and_environment,
                the_name_of_a_database_is_no_secret, the_log_tells_no_secret_and_stays_json);
    return suite_run(suite);
}
