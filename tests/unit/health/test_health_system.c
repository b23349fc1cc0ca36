/* The health page of a whole system while its parts are stopped one by one. */
#include <check.h>
#include <curl/curl.h>
#include <dirent.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/kit/util/auto.h"
#include "actors/kit/util/clock.h"
#include "tests/support/llm/llm_stub.h"
#include "tests/support/patience.h"
#include "tests/support/suite.h"
#include "tests/support/system.h"

#define TOKEN       "token-of-a-test"
#define DEADLINE_MS 2000
#define JSON        "/admin/system/health.json"
#define PAGE        "/admin/system/health"

enum { REQUESTS = 200 };

static struct system_up up;
static llm_stub_t *hanging; /* where Qdrant should be */

static void
setup(void)
{
    static const struct llm_stub_step hang = {.act = STUB_HANG};

    hanging = llm_stub_new();
    llm_stub_script(hanging, &hang, 1);
    setenv("QDRANT_URL", llm_stub_url(hanging), 1);
    setenv("ADMIN_TOKEN", TOKEN, 1);
    setenv("TUNEMILL_HEALTH_INTERVAL_MS", "200", 1);
    setenv("TUNEMILL_HEALTH_DEADLINE_MS", "2000", 1);
    system_start(&up, "2");
}

static void
teardown(void)
{
    system_stop(&up);
    llm_stub_destroy(&hanging);
}

/* --- asking ------------------------------------------------------------------------------- */

struct answer {
    long status;
    char *text;
    size_t size;
    double took_s;
};

static size_t
on_data(char *data, size_t one, size_t size, void *arg)
{
    struct answer *self = arg;

    self->text = realloc(self->text, self->size + size * one + 1);
    ck_assert_ptr_nonnull(self->text);
    memcpy(self->text + self->size, data, size * one);
    self->size += size * one;
    self->text[self->size] = '\0';
    return size * one;
}

/* token NULL: none is sent */
static struct answer
ask(const char *path, const char *token)
{
    struct answer answer = {0};
    struct curl_slist *headers = NULL;
    CURL *curl = curl_easy_init();
    char url[400], header[100];

    snprintf(url, sizeof(url), "%s%s", up.http, path);
    snprintf(header, sizeof(header), "X-Admin-Token: %s", token ? token : "");
    headers = curl_slist_append(NULL, token ? header : "X-Nothing: here");
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    ck_assert_int_eq(curl_easy_perform(curl), CURLE_OK);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
    curl_easy_getinfo(curl, CURLINFO_TOTAL_TIME, &answer.took_s);
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    return answer;
}

static json_t *
health(void)
{
    struct answer answer = ask(JSON, TOKEN);
    json_t *json = json_loads(answer.text ? answer.text : "", 0, NULL);

    ck_assert_int_eq(answer.status, 200);
    ck_assert_ptr_nonnull(json);
    free(answer.text);
    return json;
}

static bool
has_status(const json_t *json, const char *component, const char *status, const char *error)
{
    const json_t *one = json_object_get(json, component);
    const char *says = json_string_value(json_object_get(one, "error"));

    return strcmp(json_string_value(json_object_get(one, "status")), status) == 0 &&
           (!error || (says && strstr(says, error)));
}

static void
await(const char *component, const char *status, const char *error)
{
    const int64_t until_ms = clock_ms() + PATIENCE_MS;

    for (;;) {
        tm_auto(json) json = health();

        if (has_status(json, component, status, error))
            return;
        if (clock_ms() > until_ms) {
            tm_auto(tm_text) text = json_dumps(json_object_get(json, component), JSON_COMPACT);
            ck_abort_msg("%s never was %s: %.2000s", component, status, text);
        }
        poll(NULL, 0, 20);
    }
}

/* --- stopping ----------------------------------------------------------------------------- */

static pid_t
parent_of(pid_t pid)
{
    char path[64], text[512];
    const char *end;
    size_t size;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    file = fopen(path, "re");
    if (!file)
        return 0;
    size = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[size] = '\0';
    end = strrchr(text, ')');
    return end ? (pid_t)strtol(end + 4, NULL, 10) : 0;
}

/* The process and its children: those of the database. */
static void
signal_family(pid_t pid, int signal_number)
{
    DIR *directory = opendir("/proc");
    struct dirent *entry;

    ck_assert_int_gt(pid, 0);
    ck_assert_ptr_nonnull(directory);
    kill(pid, signal_number);
    while ((entry = readdir(directory))) {
        pid_t child = (pid_t)strtol(entry->d_name, NULL, 10);

        if (child > 0 && parent_of(child) == pid)
            kill(child, signal_number);
    }
    closedir(directory);
}

/* --- the event stream --------------------------------------------------------------------- */

struct reader {
    int fd;
    char text[65536];
    size_t size;
};

static void
reader_open(struct reader *self, const char *query)
{
    char host[100], request[400];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    char *port;

    snprintf(host, sizeof(host), "%.90s", up.http + strlen("http://"));
    port = strchr(host, ':');
    *port++ = '\0';
    ck_assert_int_eq(getaddrinfo(host, port, &hints, &found), 0);
    self->fd = socket(found->ai_family, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(self->fd, found->ai_addr, found->ai_addrlen), 0);
    freeaddrinfo(found);
    snprintf(request, sizeof(request),
             "GET /admin/events/stream%s HTTP/1.1\r\nHost: x\r\nX-Admin-Token: " TOKEN
             "\r\n\r\n",
             query);
    ck_assert_int_eq(send(self->fd, request, strlen(request), 0), (ssize_t)strlen(request));
    self->size = 0;
    self->text[0] = '\0';
}

/* Reads what is there; waits for it so long. */
static void
reader_read(struct reader *self, int wait_ms)
{
    struct pollfd polled = {.fd = self->fd, .events = POLLIN};
    ssize_t got;

    if (poll(&polled, 1, wait_ms) <= 0)
        return;
    got = recv(self->fd, self->text + self->size, sizeof(self->text) - 1 - self->size, 0);
    ck_assert_int_gt(got, 0);
    self->size += (size_t)got;
    self->text[self->size] = '\0';
}

static void
reader_await(struct reader *self, const char *text)
{
    const int64_t until_ms = clock_ms() + PATIENCE_MS;

    while (!strstr(self->text, text)) {
        ck_assert_msg(clock_ms() < until_ms, "no %s in %s", text, self->text);
        reader_read(self, 100);
    }
}

/* --- tests -------------------------------------------------------------------------------- */

static int
compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

/* None of them waits for a probe, which takes DEADLINE_MS to give up. */
static void
ask_many(const char *path)
{
    double took_s[REQUESTS];
    size_t slow = 0;

    for (size_t i = 0; i < REQUESTS; i++) {
        struct answer answer = ask(path, TOKEN);

        ck_assert_int_eq(answer.status, 200);
        took_s[i] = answer.took_s;
        slow += answer.took_s * 1000 >= DEADLINE_MS;
        free(answer.text);
    }
    qsort(took_s, REQUESTS, sizeof(took_s[0]), compare);
    printf("%s: p50 %.1f ms, p99 %.1f ms\n", path, took_s[REQUESTS / 2] * 1000,
           took_s[REQUESTS * 99 / 100] * 1000);
    ck_assert_uint_eq(slow, 0);
}

static void
check_not_ready(void)
{
    struct answer answer = ask("/ready", NULL);

    ck_assert_int_eq(answer.status, 503);
    ck_assert_ptr_nonnull(strstr(answer.text, "\"loc\":\"database\""));
    free(answer.text);
    answer = ask("/health", NULL);
    ck_assert_int_eq(answer.status, 200);
    free(answer.text);
}

static void
check_page(void)
{
    struct answer answer = ask(PAGE, TOKEN);

    ck_assert_int_eq(answer.status, 200);
    ck_assert_ptr_nonnull(strstr(answer.text, "id=\"card-database\" data-status=\"error\""));
    ck_assert_ptr_nonnull(strstr(answer.text, "Database: the database has not answered for"));
    ck_assert_ptr_nonnull(strstr(answer.text, "http-equiv=\"refresh\""));
    ck_assert_ptr_null(strstr(answer.text, "These pages need JavaScript"));
    free(answer.text);
}

static void
check_stream(void)
{
    struct reader named, unnamed;

    reader_open(&named, "?topics=system.health");
    reader_open(&unnamed, "");
    reader_await(&named, "\n\nevent: system.health\ndata: {"); /* without an id before it */
    ck_assert_ptr_nonnull(strstr(named.text, "\"database\":\"error\""));
    reader_await(&unnamed, "200 OK");
    reader_read(&unnamed, 0);
    ck_assert_ptr_null(strstr(unnamed.text, "system.health"));
    close(named.fd);
    close(unnamed.fd);
}

START_TEST(with_database_and_qdrant_hanging_the_page_answers_and_says_so)
{
    pid_t postgres = system_child(&up, "postgres");

    await("database", "ok", NULL);
    signal_family(postgres, SIGSTOP);
    await("database", "error", "has not answered");
    await("qdrant", "error", "it cannot be asked");
    await("tunes", "unknown", "has not answered");
    ask_many(JSON);
    ask_many(PAGE);
    check_not_ready();
    check_page();
    check_stream();
    signal_family(postgres, SIGCONT);
    await("database", "ok", NULL);
    await("tunes", "ok", NULL);
}
END_TEST

START_TEST(a_broker_that_hangs_is_told_and_its_return)
{
    pid_t broker = system_child(&up, "broker");

    await("broker", "ok", NULL);
    kill(broker, SIGSTOP);
    await("broker", "error", "no broker answers");
    kill(broker, SIGCONT);
    await("broker", "ok", NULL);
}
END_TEST

static void
signal_workers(int signal_number)
{
    kill(system_child(&up, "tune-1"), signal_number);
    kill(system_child(&up, "tune-2"), signal_number);
}

/* Told at once on the streams of those who asked for it. */
START_TEST(workers_that_hang_are_told)
{
    struct reader reader;

    await("workers", "ok", NULL);
    reader_open(&reader, "?topics=system");
    reader_await(&reader, "connected");
    signal_workers(SIGSTOP);
    reader_await(&reader, "\"workers\":\"error\"");
    await("workers", "error", "no worker of the kind tune lives");
    signal_workers(SIGCONT);
    await("workers", "ok", NULL);
    close(reader.fd);
}
END_TEST

/* Also after a test that failed, so that the system can be stopped. */
static void
resume_all(void)
{
    signal_family(system_child(&up, "postgres"), SIGCONT);
    kill(system_child(&up, "broker"), SIGCONT);
    signal_workers(SIGCONT);
}

static bool
shows(const char *line)
{
    struct answer answer = ask("/metrics", NULL);
    bool is_there = answer.text && strstr(answer.text, line) != NULL;

    free(answer.text);
    return is_there;
}

static void
await_metric(const char *line)
{
    const int64_t until_ms = clock_ms() + PATIENCE_MS;

    while (!shows(line)) {
        ck_assert_msg(clock_ms() < until_ms, "no %s", line);
        poll(NULL, 0, 100);
    }
}

START_TEST(the_process_health_exports_what_it_finds)
{
    await_metric("tunemill_component_status{component=\"database\",actor=\"health\"");
    await_metric("tunemill_processes{kind=\"tune\",actor=\"health\"");
    await_metric("tunemill_db_up{actor=\"health\"");
    await_metric("tunemill_actor_workers{kind=\"tune\",state=\"alive\",actor=\"health\"");
    await_metric("tunemill_disk_free_bytes{actor=\"health\"");
}
END_TEST

START_TEST(who_is_no_admin_sees_nothing)
{
    static const struct {
        const char *token;
        long status;
    } rows[] = {{NULL, 401}, {"wrong", 403}};

    for (size_t i = 0; i < 2; i++) {
        struct answer json = ask(JSON, rows[i].token), page = ask(PAGE, rows[i].token);

        ck_assert_int_eq(json.status, rows[i].status);
        ck_assert_int_eq(page.status, rows[i].status);
        ck_assert_ptr_null(strstr(json.text, "database"));
        ck_assert_ptr_null(strstr(page.text, "card-database"));
        free(json.text);
        free(page.text);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("health_system");
    TCase *tcase = suite_case(suite, "system", NULL, resume_all);

    tcase_add_unchecked_fixture(tcase, setup, teardown);
    suite_tests(tcase, who_is_no_admin_sees_nothing, the_process_health_exports_what_it_finds,
                with_database_and_qdrant_hanging_the_page_answers_and_says_so,
                a_broker_that_hangs_is_told_and_its_return, workers_that_hang_are_told);
    setenv("CK_FORK", "no", true); /* the system is this process's, and so is the stub */
    return suite_run(suite);
}
