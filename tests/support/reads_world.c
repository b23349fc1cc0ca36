#include "tests/support/reads_world.h"

#include <check.h>
#include <fcntl.h>
#include <curl/curl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/http/http.h"
#include "actors/kit/runtime/log.h"

pg_fixture_t *reads_fixture;

/* --- the process -------------------------------------------------------------------------- */

static void
assign(settings_t *settings, const char *assignment)
{
    char detail[300];

    ck_assert_msg(settings_set(settings, assignment, detail, sizeof(detail)) == TM_OK, "%s",
                  detail);
}

enum { LOG_BYTES = 1 << 20 };

static void
set(settings_t *settings, const char *name, const char *before, const char *value)
{
    char assignment[400];

    snprintf(assignment, sizeof(assignment), "%s=%s%s", name, before, value);
    assign(settings, assignment);
}

static int
serve(const struct reads_world *self, const char *const *assignments)
{
    settings_t *settings = settings_new();
    tm_err_t err;

    log_init("http", LOG_AT_INFO);
    set(settings, "http.listen", "", "127.0.0.1:0");
    set(settings, "system.data_dir", "", self->root);
    set(settings, "broker.brokers", "ipc:///nowhere", self->root);
    set(settings, "database.url", "", self->url);
    set(settings, "database.max_backoff_ms", "", "200");
    for (; *assignments; assignments++)
        assign(settings, *assignments);
    err = service_run(&http_service,
                      &(struct service_options){.settings = settings, .ready_fd = -1});
    settings_destroy(&settings);
    return err ? 1 : 0;
}

/* Ready is said only to a process that has a broker; where this one listens, its log says. */
static void
read_address(struct reads_world *self)
{
    static const char before[] = "\"address\":\"";
    char text[4096] = "", *found = NULL;
    size_t size = 0;

    while (!found || !strchr(found, '\n')) {
        ssize_t got = read(self->log_fd, text + size, sizeof(text) - 1 - size);

        ck_assert_msg(got > 0, "it never listened: %s", text);
        size += (size_t)got;
        found = strstr(text, before);
    }
    found += strlen(before);
    snprintf(self->address, sizeof(self->address), "%.*s", (int)strcspn(found, "\""), found);
}

/* url NULL: none */
static void
start(struct reads_world *self, char *url, const char *const *assignments)
{
    int ends[2];

    memset(self, 0, sizeof(*self));
    snprintf(self->root, sizeof(self->root), "/tmp/tunemill-http-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(self->root));
    self->url = url;
    if (!url)
        ck_assert_int_gt(asprintf(&self->url, "dbname=none host=%s", self->root), 0);
    ck_assert_int_eq(pipe(ends), 0);
    fcntl(ends[1], F_SETPIPE_SZ, LOG_BYTES); /* nobody reads it until the end */
    self->child = fork();
    if (self->child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        exit(serve(self, assignments));
    }
    close(ends[1]);
    self->log_fd = ends[0];
    read_address(self);
}

void
reads_world_init_bare(struct reads_world *self, const char *const *settings)
{
    start(self, NULL, settings);
}

void
reads_world_init_with(struct reads_world *self, const char *url, const char *const *settings)
{
    start(self, url ? strdup(url) : pg_fixture_database(reads_fixture), settings);
    reads_until(self, "/backtests/tunes?workspace_id=" READS_WORKSPACE, 200);
}

void
reads_world_init_on(struct reads_world *self, const char *url, const char *profile,
                    const char *brokers)
{
    char profile_is[64], brokers_are[400];
    const char *const assignments[] = {profile_is, "http.admin_token=" READS_TOKEN,
                                       brokers ? brokers_are : NULL, NULL};

    snprintf(profile_is, sizeof(profile_is), "system.profile=%s", profile);
    snprintf(brokers_are, sizeof(brokers_are), "broker.brokers=%s", brokers ? brokers : "");
    reads_world_init_with(self, url, assignments);
}

void
reads_world_init(struct reads_world *self, const char *url, const char *profile)
{
    reads_world_init_on(self, url, profile, NULL);
}

void
reads_world_fini(struct reads_world *self)
{
    char text[4096];
    int status = -1;
    ssize_t size;

    kill(self->child, SIGTERM);
    ck_assert_int_eq(waitpid(self->child, &status, 0), self->child);
    while (status && (size = read(self->log_fd, text, sizeof(text))) > 0)
        fwrite(text, 1, (size_t)size, stderr);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "it ended with %d", status);
    close(self->log_fd);
    snprintf(text, sizeof(text), "%s/spool", self->root);
    rmdir(text);
    ck_assert_msg(rmdir(self->root) == 0, "something was left in %s", self->root);
    free(self->url);
}

/* --- asking ------------------------------------------------------------------------------- */

static size_t
append(char **text, size_t *size, const char *data, size_t more)
{
    *text = realloc(*text, *size + more + 1);
    ck_assert_ptr_nonnull(*text);
    memcpy(*text + *size, data, more);
    *size += more;
    (*text)[*size] = '\0';
    return more;
}

static size_t
on_head(char *data, size_t one, size_t size, void *arg)
{
    struct reads_answer *answer = arg;

    return append(&answer->head, &answer->head_size, data, one * size);
}

static size_t
on_body(char *data, size_t one, size_t size, void *arg)
{
    struct reads_answer *answer = arg;

    return append(&answer->body, &answer->body_size, data, one * size);
}

static CURL *
prepare(const struct reads_world *self, const char *path, struct reads_answer *answer)
{
    CURL *curl = curl_easy_init();
    char url[4000];

    memset(answer, 0, sizeof(*answer));
    append(&answer->head, &answer->head_size, "", 0);
    append(&answer->body, &answer->body_size, "", 0);
    snprintf(url, sizeof(url), "http://%s%s", self->address, path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_head);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, answer);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    return curl;
}

static void
finish(CURL *curl, CURLcode code, struct reads_answer *answer)
{
    ck_assert_msg(code == CURLE_OK, "%s", curl_easy_strerror(code));
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
    curl_easy_cleanup(curl);
    answer->json = json_loads(answer->body, JSON_REJECT_DUPLICATES, NULL);
}

void
reads_ask(const struct reads_world *self, const char *method, const char *path,
          const char *const *headers, struct reads_answer *ret)
{
    reads_send(self, method, path, headers, NULL, ret);
}

void
reads_send(const struct reads_world *self, const char *method, const char *path,
           const char *const *headers, const char *body, struct reads_answer *ret)
{
    CURL *curl = prepare(self, path, ret);
    struct curl_slist *list = NULL;

    for (; headers && *headers; headers++)
        list = curl_slist_append(list, *headers);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
    if (body)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_NOBODY, strcmp(method, "HEAD") == 0 ? 1L : 0L);
    finish(curl, curl_easy_perform(curl), ret);
    curl_slist_free_all(list);
}

void
reads_get(const struct reads_world *self, const char *path, struct reads_answer *ret)
{
    reads_ask(self, "GET", path, NULL, ret);
}

void
reads_answer_fini(struct reads_answer *self)
{
    free(self->head);
    free(self->body);
    json_decref(self->json);
}

bool
reads_answer_has(const struct reads_answer *self, const char *header)
{
    char line[600];

    snprintf(line, sizeof(line), "\r\n%s\r\n", header);
    return strstr(self->head, line) != NULL;
}

json_t *
reads_json(const struct reads_world *self, const char *path)
{
    struct reads_answer answer;
    json_t *json;

    reads_get(self, path, &answer);
    ck_assert_msg(answer.status == 200 && answer.json, "%s: %ld %s", path, answer.status,
                  answer.body);
    ck_assert(reads_answer_has(&answer, "Content-Type: application/json"));
    json = json_incref(answer.json);
    reads_answer_fini(&answer);
    return json;
}

/* RFC 9457's members, and ours. */
static void
expect_problem(const struct reads_answer *answer, long status, const char *code)
{
    static const char *const texts[] = {"type", "title", "detail", "code"};

    ck_assert(reads_answer_has(answer, "Content-Type: application/problem+json"));
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        ck_assert_msg(json_is_string(json_object_get(answer->json, texts[i])), "no %s in %s",
                      texts[i], answer->body);
    ck_assert_int_eq(json_integer_value(json_object_get(answer->json, "status")), status);
    ck_assert_str_eq(json_string_value(json_object_get(answer->json, "code")), code);
    ck_assert(status != 503 || strstr(answer->head, "\r\nRetry-After: "));
}

void
reads_expect_problem(const struct reads_world *self, const char *path, long status,
                     const char *code, const char *loc)
{
    struct reads_answer answer;
    const json_t *error;

    reads_get(self, path, &answer);
    ck_assert_msg(answer.status == status, "%s: %ld %s", path, answer.status, answer.body);
    expect_problem(&answer, status, code);
    error = json_array_get(json_object_get(answer.json, "errors"), 0);
    if (loc)
        ck_assert_str_eq(json_string_value(json_object_get(error, "loc")), loc);
    reads_answer_fini(&answer);
}

void
reads_until(const struct reads_world *self, const char *path, long status)
{
    struct reads_answer answer;
    long got;

    do {
        reads_get(self, path, &answer);
        got = answer.status;
        reads_answer_fini(&answer);
    } while (got != status);
}

void
reads_while(const struct reads_world *self, const char *path,
            bool (*is_there)(const struct reads_world *self),
            void (*meanwhile)(const struct reads_world *self), struct reads_answer *ret)
{
    CURLM *multi = curl_multi_init();
    CURL *curl = prepare(self, path, ret);
    CURLcode code = CURLE_OK;
    bool is_over = false;
    CURLMsg *message;
    int running = 1, left;

    curl_multi_add_handle(multi, curl);
    while (running) {
        ck_assert_int_eq(curl_multi_perform(multi, &running), CURLM_OK);
        curl_multi_poll(multi, NULL, 0, 5, NULL);
        if (is_over || !is_there(self))
            continue;
        ck_assert_msg(running, "it did not wait: %s", ret->body);
        meanwhile(self);
        is_over = true;
    }
    ck_assert(is_over);
    while ((message = curl_multi_info_read(multi, &left)))
        code = message->data.result;
    curl_multi_remove_handle(multi, curl);
    finish(curl, code, ret);
    curl_multi_cleanup(multi);
}

void
reads_expect(const json_t *got, const char *want)
{
    char *text = strdup(want), *shown = json_dumps(got, JSON_SORT_KEYS | JSON_ENCODE_ANY);
    json_error_t error;
    json_t *wanted;

    for (char *at = text; (at = strchr(at, '\''));)
        *at = '"';
    wanted = json_loads(text, JSON_DECODE_ANY, &error);
    ck_assert_msg(wanted != NULL, "%s: %s", error.text, text);
    ck_assert_msg(json_equal(got, wanted), "got %s\nnot %s", shown, text);
    json_decref(wanted);
    free(shown);
    free(text);
}

/* --- rows --------------------------------------------------------------------------------- */

static char *query(const struct reads_world *self, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

static char *
query(const struct reads_world *self, const char *format, va_list arguments)
{
    char *sql, *answer;

    ck_assert_int_ge(vasprintf(&sql, format, arguments), 0);
    answer = pg_fixture_query(self->url, sql);
    ck_assert_msg(strncmp(answer, "ERROR", 5) != 0, "%s: %s", sql, answer);
    free(sql);
    return answer;
}

char *
reads_query(const struct reads_world *self, const char *format, ...)
{
    va_list arguments;
    char *answer;

    va_start(arguments, format);
    answer = query(self, format, arguments);
    va_end(arguments);
    return answer;
}

void
reads_run(const struct reads_world *self, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    free(query(self, format, arguments));
    va_end(arguments);
}

void
reads_tune_row(const struct reads_world *self, unsigned number, const char *status,
               const char *set_too)
{
    reads_run(self,
              "INSERT INTO backtest_tunes (id, workspace_id, status, search_type,"
              "    objective_type, n_trials, request, created_at)"
              " VALUES ('" READS_ID "', '" READS_WORKSPACE "', '%s', 'grid', 'sharpe', 4, '{}',"
              "    timestamptz '2024-01-01 00:00:00Z' + %u * interval '1 s')",
              number, status, number);
    if (set_too[0])
        reads_run(self, "UPDATE backtest_tunes SET %s WHERE id = '" READS_ID "'", set_too,
                  number);
}

void
reads_run_row(const struct reads_world *self, unsigned tune, unsigned trial, const char *rank,
              const char *set_too)
{
    reads_run(self,
              "INSERT INTO backtest_tune_runs (tune_id, trial_index, run_id, status, rank,"
              "    params) VALUES ('" READS_ID "', %u, '" READS_ID "', 'completed', %s, '{}')",
              tune, trial, 1000 * tune + trial, rank ? rank : "NULL");
    if (set_too[0])
        reads_run(self,
                  "UPDATE backtest_tune_runs SET %s WHERE tune_id = '" READS_ID
                  "' AND trial_index = %u",
                  set_too, tune, trial);
}
