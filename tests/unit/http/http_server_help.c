#include "tests/unit/http/http_server_help.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/http/http.h"
#include "actors/kit/runtime/log.h"
#include "actors/kit/util/clock.h"

#define STRATEGY "8fd7589a-97c6-49bf-a65e-357fb063fe33"

static char root[64];
pid_t child;
char address[64];
int log_fd; /* what the process writes */

static void
set(settings_t *settings, const char *name, const char *before, const char *value)
{
    char assignment[300], detail[300];

    snprintf(assignment, sizeof(assignment), "%s=%s%s", name, before, value);
    ck_assert_msg(settings_set(settings, assignment, detail, sizeof(detail)) == TM_OK, "%s",
                  detail);
}

static int
serve(void)
{
    settings_t *settings = settings_new();
    tm_err_t err;

    log_init("http", LOG_AT_INFO);
    set(settings, "http.listen", "", "127.0.0.1:0");
    set(settings, "http.max_upload_mb", "", "1");
    set(settings, "http.max_uploads", "", "1");
    set(settings, "http.max_connections", "", "16");
    set(settings, "system.data_dir", "", root);
    set(settings, "broker.brokers", "ipc:///nowhere", root);
    set(settings, "database.url", "dbname=none host=", root);
    err = service_run(&http_service,
                      &(struct service_options){.settings = settings, .ready_fd = -1});
    settings_destroy(&settings);
    return err ? 1 : 0;
}

/* Ready is said only to a process that has all it needs; where this one listens, its log says.
 */
static void
read_address(void)
{
    static const char before[] = "\"address\":\"";
    char text[4096] = "", *found = NULL;
    size_t size = 0;

    while (!found || !strchr(found, '\n')) {
        ssize_t got = read(log_fd, text + size, sizeof(text) - 1 - size);

        ck_assert_msg(got > 0, "it never listened: %s", text);
        size += (size_t)got;
        found = strstr(text, before);
    }
    found += strlen(before);
    snprintf(address, sizeof(address), "%.*s", (int)strcspn(found, "\""), found);
}

void
start(void)
{
    int ends[2];

    snprintf(root, sizeof(root), "/tmp/tunemill-http-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    ck_assert_int_eq(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        exit(serve());
    }
    close(ends[1]);
    log_fd = ends[0];
    read_address();
}

static void
show_log(void)
{
    char text[4096];
    ssize_t size;

    while ((size = read(log_fd, text, sizeof(text))) > 0)
        fwrite(text, 1, (size_t)size, stderr);
}

void
stop(void)
{
    char path[128];
    int status = -1;

    kill(child, SIGTERM);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    if (status)
        show_log();
    close(log_fd);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "it ended with %d", status);
    snprintf(path, sizeof(path), "%s/spool", root);
    rmdir(path);
    ck_assert_msg(rmdir(root) == 0, "something was left in %s", root);
}

/* --- curl --------------------------------------------------------------------------------- */

static size_t
on_text(char *data, size_t one, size_t size, void *arg)
{
    struct answer *answer = arg;
    size_t room = sizeof(answer->text) - 1 - answer->size;
    size_t taken = size < room ? size : room;

    memcpy(answer->text + answer->size, data, taken);
    answer->size += taken;
    return size * one;
}

CURL *
prepare(const char *path, struct answer *answer)
{
    CURL *curl = curl_easy_init();
    char url[300];

    memset(answer, 0, sizeof(*answer));
    snprintf(url, sizeof(url), "http://%s%s", address, path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 30L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_text);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_text);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, answer);
    return curl;
}

void
perform(CURL *curl, struct answer *answer)
{
    CURLcode code = curl_easy_perform(curl);

    ck_assert_msg(code == CURLE_OK, "%s", curl_easy_strerror(code));
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
    curl_easy_cleanup(curl);
}

void
get(const char *path, const char *header, struct answer *answer)
{
    CURL *curl = prepare(path, answer);
    struct curl_slist *headers = header ? curl_slist_append(NULL, header) : NULL;

    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    perform(curl, answer);
    curl_slist_free_all(headers);
}

void
expect(const struct answer *answer, long status, const char *text)
{
    ck_assert_msg(answer->status == status, "%ld: %s", answer->status, answer->text);
    ck_assert_msg(strstr(answer->text, text) != NULL, "no %s in: %s", text, answer->text);
}

void
post(const char *header, size_t file_size, struct answer *answer)
{
    CURL *curl = prepare("/backtests/tune", answer);
    struct curl_slist *headers = curl_slist_append(NULL, header);
    curl_mime *form = curl_mime_init(curl);
    curl_mimepart *part = curl_mime_addpart(form);
    char *file = calloc(1, file_size + 1);

    curl_mime_name(part, "strategy_entity_id");
    curl_mime_data(part, STRATEGY, CURL_ZERO_TERMINATED);
    if (file_size) {
        part = curl_mime_addpart(form);
        curl_mime_name(part, "file");
        curl_mime_filename(part, "x.csv");
        curl_mime_data(part, file, file_size);
    }
    curl_easy_setopt(curl, CURLOPT_MIMEPOST, form);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    perform(curl, answer);
    curl_mime_free(form);
    curl_slist_free_all(headers);
    free(file);
}
