#include "tests/support/system.h"

#include <check.h>
#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ops/supervisor/status.h"
#include "tests/support/command.h"
#include "tests/support/pg_fixture.h"
#include "tests/support/scratch.h"

static void
read_ready(struct system_up *self, int out)
{
    char line[4096];
    FILE *file = fdopen(out, "r");
    json_t *ready;

    ck_assert_ptr_nonnull(file);
    ck_assert_msg(fgets(line, sizeof(line), file) != NULL, "up ended before it was ready: %s",
                  self->log);
    ready = json_loads(line, 0, NULL);
    ck_assert_msg(json_is_true(json_object_get(ready, "ready")), "%s", line);
    snprintf(self->http, sizeof(self->http), "%s",
             json_string_value(json_object_get(ready, "http")));
    snprintf(self->database, sizeof(self->database), "%s",
             json_string_value(json_object_get(ready, "database")));
    json_decref(ready);
    fclose(file);
}

void
system_start(struct system_up *self, const char *tune_workers)
{
    static const char *const nothing[] = {NULL};

    system_start_with(self, tune_workers, nothing);
}

void
system_start_with(struct system_up *self, const char *tune_workers, const char *const *more)
{
    const char *argv[48] = {TUNEMILL, "up",          "--data-dir", self->data_dir,
                            "--http", "127.0.0.1:0", "--tune",     tune_workers};
    int out;

    for (size_t i = 0; more[i]; i++) {
        ck_assert_uint_lt(8 + i, sizeof(argv) / sizeof(argv[0]) - 1);
        argv[8 + i] = more[i];
    }

    unsetenv("DATABASE_URL");
    ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    snprintf(self->root, sizeof(self->root), "%s/tm-sys-XXXXXX", scratch_base());
    ck_assert_ptr_nonnull(mkdtemp(self->root));
    ck_assert_int_eq(chmod(self->root, 0711), 0);
    snprintf(self->data_dir, sizeof(self->data_dir), "%s/data", self->root);
    pg_fixture_place(self->data_dir);
    snprintf(self->log, sizeof(self->log), "%s/log", self->root);
    self->pid = command_start(argv, self->log, &out);
    ck_assert_int_gt(self->pid, 0);
    read_ready(self, out);
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

void
system_stop(struct system_up *self)
{
    const char *argv[] = {"/bin/rm", "-rf", self->root, NULL};
    struct command *removed;
    int status;

    kill(self->pid, SIGTERM);
    ck_assert_int_eq(waitpid(self->pid, &status, 0), self->pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "up ended with status %d",
                  status);
    removed = command_run(argv);
    command_destroy(&removed);
    curl_global_cleanup();
}

pid_t
system_child(const struct system_up *self, const char *name)
{
    json_t *status = status_read(self->data_dir), *child;
    pid_t pid = 0;
    size_t index;

    json_array_foreach(json_object_get(status, "children"), index, child)
    {
        const char *found = json_string_value(json_object_get(child, "name"));
        if (found && strcmp(found, name) == 0)
            pid = (pid_t)json_integer_value(json_object_get(child, "pid"));
    }
    json_decref(status);
    return pid;
}

int
system_restarts(const struct system_up *self)
{
    json_t *status = status_read(self->data_dir), *child;
    json_int_t sum = 0;
    size_t index;

    json_array_foreach(json_object_get(status, "children"), index, child)
    {
        sum += json_integer_value(json_object_get(child, "restarts"));
    }
    json_decref(status);
    return (int)sum;
}

static size_t
on_body(char *data, size_t size, size_t count, void *arg)
{
    struct tune_post *post = arg;
    char *grown = realloc(post->body, post->size + size * count + 1);

    if (!grown)
        return 0;
    post->body = grown;
    memcpy(post->body + post->size, data, size * count);
    post->size += size * count;
    post->body[post->size] = '\0';
    return size * count;
}

static size_t
on_header(char *data, size_t size, size_t count, void *arg)
{
    struct tune_post *post = arg;

    if (size * count > 13 && strncasecmp(data, "traceparent: ", 13) == 0)
        snprintf(post->answered_trace, sizeof(post->answered_trace), "%.55s", data + 13);
    return size * count;
}

static struct curl_slist *
add_header(struct curl_slist *headers, const char *name, const char *value)
{
    char text[400];

    if (!value)
        return headers;
    snprintf(text, sizeof(text), "%s: %s", name, value);
    return curl_slist_append(headers, text);
}

struct request {
    CURL *curl;
    curl_mime *form;
    struct curl_slist *headers;
};

static void
add_field(curl_mime *form, const char *name, const char *value)
{
    curl_mimepart *part;

    if (!value)
        return;
    part = curl_mime_addpart(form);
    curl_mime_name(part, name);
    curl_mime_data(part, value, CURL_ZERO_TERMINATED);
}

static void
request_init(struct request *self, const struct system_up *up, struct tune_post *post)
{
    char text[400];
    curl_mimepart *file;

    self->curl = curl_easy_init();
    self->form = curl_mime_init(self->curl);
    file = curl_mime_addpart(self->form);
    curl_mime_name(file, "file");
    curl_mime_filedata(file, post->file);
    add_field(self->form, "strategy_entity_id", "8fd7589a-97c6-49bf-a65e-357fb063fe33");
    add_field(self->form, "workspace_id", "00000000-0000-0000-0000-000000000001");
    add_field(self->form, "search_type", "grid");
    add_field(self->form, "param_space", post->param_space);
    add_field(self->form, "seed", post->seed);
    self->headers = add_header(NULL, "X-Idempotency-Key", post->key);
    self->headers = add_header(self->headers, "Prefer", post->prefer);
    self->headers = add_header(self->headers, "traceparent", post->traceparent);
    self->headers = curl_slist_append(self->headers, "Expect:");
    snprintf(text, sizeof(text), "%s/backtests/tune", up->http);
    curl_easy_setopt(self->curl, CURLOPT_URL, text);
    curl_easy_setopt(self->curl, CURLOPT_MIMEPOST, self->form);
    curl_easy_setopt(self->curl, CURLOPT_HTTPHEADER, self->headers);
    curl_easy_setopt(self->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(self->curl, CURLOPT_WRITEDATA, post);
    curl_easy_setopt(self->curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(self->curl, CURLOPT_HEADERDATA, post);
    curl_easy_setopt(self->curl, CURLOPT_PRIVATE, post);
    curl_easy_setopt(self->curl, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(self->curl, CURLOPT_NOPROXY, "*");
}

static void
request_fini(struct request *self)
{
    curl_easy_cleanup(self->curl);
    curl_mime_free(self->form);
    curl_slist_free_all(self->headers);
}

static void
read_answers(CURLM *multi)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(multi, &left))) {
        struct tune_post *post;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &post);
        if (message->data.result == CURLE_OK)
            curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &post->status);
    }
}

void
system_post(const struct system_up *self, struct tune_post *posts, size_t count,
            long connections)
{
    struct request *requests = calloc(count, sizeof(*requests));
    CURLM *multi = curl_multi_init();
    int running = 1;

    ck_assert_ptr_nonnull(requests);
    curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections);
    for (size_t i = 0; i < count; i++) {
        tune_post_fini(&posts[i]);
        request_init(&requests[i], self, &posts[i]);
        curl_multi_add_handle(multi, requests[i].curl);
    }
    while (running) {
        ck_assert_int_eq(curl_multi_perform(multi, &running), CURLM_OK);
        read_answers(multi);
        if (running)
            curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
    for (size_t i = 0; i < count; i++) {
        curl_multi_remove_handle(multi, requests[i].curl);
        request_fini(&requests[i]);
    }
    curl_multi_cleanup(multi);
    free(requests);
}

void
tune_post_fini(struct tune_post *self)
{
    free(self->body);
    self->body = NULL;
    self->size = 0;
    self->status = 0;
}

char *
tune_post_text(const struct tune_post *self, const char *member)
{
    json_t *root = self->body ? json_loads(self->body, 0, NULL) : NULL;
    const char *text = json_string_value(json_object_get(root, member));
    char *copy = text ? strdup(text) : NULL;

    json_decref(root);
    return copy;
}

char *
system_get(const struct system_up *self, const char *path, long *ret_status)
{
    return system_ask(self, "GET", path, ret_status);
}

char *
system_ask(const struct system_up *self, const char *method, const char *path, long *ret_status)
{
    return system_tell(self, method, path, NULL, NULL, ret_status);
}

char *
system_tell(const struct system_up *self, const char *method, const char *path,
            const char *traceparent, const char *json, long *ret_status)
{
    struct tune_post answer = {0};
    struct curl_slist *headers = add_header(NULL, "traceparent", traceparent);
    CURL *curl = curl_easy_init();
    char url[600];

    headers = add_header(headers, "Content-Type", json ? "application/json" : NULL);
    if (json)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, json);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);

    snprintf(url, sizeof(url), "%s%s", self->http, path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 30L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    *ret_status = 0;
    if (curl_easy_perform(curl) == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, ret_status);
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    return answer.body;
}
