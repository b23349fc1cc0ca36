/* `tunemill up` as a whole: the built program with its database, broker, workers and bridge. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "actors/kit/util/clock.h"
#include "ops/supervisor/paths.h"
#include "ops/supervisor/status.h"
#include "tests/support/command.h"
#include "tests/support/patience.h"
#include "tests/support/pg_fixture.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#define PIDS_MAX 32
#define TOKEN    "sesame-of-this-test"

struct up {
    char root[64], data_dir[128], log[128];
    pid_t pid;
    int out;
    json_t *ready; /* the line it said */
};
static struct up up;

static void
pause_briefly(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 20L * 1000 * 1000}, NULL);
}

static void
print_log(void)
{
    char line[2000];
    FILE *log = fopen(up.log, "r");

    while (log && fgets(line, sizeof line, log))
        fputs(line, stderr);
    if (log)
        fclose(log);
}

static void
start_up(void)
{
    static const char admin[] = "http.admin_token=" TOKEN;
    const char *argv[] = {TUNEMILL, "up", "--data-dir", up.data_dir, "--http", "127.0.0.1:0",
                          "--tune", "1",  "--set",      admin,       NULL};
    char line[4096];
    FILE *out;

    up.pid = command_start(argv, up.log, &up.out);
    ck_assert_int_gt(up.pid, 0);
    out = fdopen(up.out, "r");
    ck_assert_ptr_nonnull(out);
    if (!fgets(line, sizeof line, out)) {
        print_log();
        ck_abort_msg("up ended before it was ready");
    }
    up.ready = json_loads(line, 0, NULL);
    ck_assert_msg(json_is_true(json_object_get(up.ready, "ready")), "%s", line);
    fclose(out);
}

static void
make_root(void)
{
    unsetenv("DATABASE_URL");
    ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    snprintf(up.root, sizeof up.root, "%s/tm-up-XXXXXX", scratch_base());
    ck_assert_ptr_nonnull(mkdtemp(up.root));
    ck_assert_int_eq(chmod(up.root, 0711), 0);
    snprintf(up.data_dir, sizeof up.data_dir, "%s/data", up.root);
    snprintf(up.log, sizeof up.log, "%s/log", up.root);
}

/* There is no data directory yet: `up` makes it, its cluster, and its database. */
static void
start_first_time(void)
{
    make_root();
    start_up();
}

static void
start_again(void)
{
    make_root();
    pg_fixture_place(up.data_dir);
    start_up();
}

static json_t *
status_now(void)
{
    json_t *status = status_read(up.data_dir);

    ck_assert_ptr_nonnull(status);
    return status;
}

static const json_t *
child_of(const json_t *status, const char *name)
{
    const json_t *children = json_object_get(status, "children"), *child;
    size_t index;

    json_array_foreach(children, index,
                       child) if (strcmp(json_string_value(json_object_get(child, "name")),
                                         name) == 0) return child;
    ck_abort_msg("no child %s", name);
}

static pid_t
pid_of(const char *name)
{
    json_t *status = status_now();
    pid_t pid = (pid_t)json_integer_value(json_object_get(child_of(status, name), "pid"));

    json_decref(status);
    return pid;
}

static bool
is_alive(pid_t pid)
{
    return kill(pid, 0) == 0;
}

/* Every process that runs below the supervisor, told by up.json and by PostgreSQL's own lock.
 */
static size_t
all_pids(pid_t pids[PIDS_MAX])
{
    json_t *status = status_now();
    const json_t *child;
    size_t index, count = 0;

    json_array_foreach(json_object_get(status, "children"), index, child)
    {
        pid_t pid = (pid_t)json_integer_value(json_object_get(child, "pid"));

        if (pid > 0 && count < PIDS_MAX)
            pids[count++] = pid;
    }
    json_decref(status);
    return count;
}

static void
wait_until_gone(const pid_t *pids, size_t count)
{
    int64_t until_ms = clock_ms() + PATIENCE_MS;

    for (size_t i = 0; i < count; i++) {
        while (is_alive(pids[i]) && clock_ms() < until_ms) {
            waitpid(pids[i], NULL, WNOHANG); /* an orphan of a killed supervisor is ours */
            pause_briefly();
        }
        ck_assert_msg(!is_alive(pids[i]), "process %d is still there", (int)pids[i]);
    }
}

static int
stop_up(int signal_number)
{
    int status;

    ck_assert_int_eq(kill(up.pid, signal_number), 0);
    ck_assert_int_eq(waitpid(up.pid, &status, 0), up.pid);
    json_decref(up.ready);
    up.ready = NULL;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void
remove_data(void)
{
    ck_assert_int_eq(paths_remove_tree(up.root), TM_OK);
}

/* Waits until `name` runs again as another process, and is ready. */
static void
wait_for_restart(const char *name, pid_t before)
{
    int64_t until_ms = clock_ms() + PATIENCE_MS;
    bool is_back = false;

    while (!is_back && clock_ms() < until_ms) {
        json_t *status = status_now();
        const json_t *child = child_of(status, name);

        is_back = json_integer_value(json_object_get(child, "pid")) != before &&
                  strcmp(json_string_value(json_object_get(child, "state")), "ready") == 0;
        json_decref(status);
        if (!is_back)
            pause_briefly();
    }
    if (!is_back)
        print_log();
    ck_assert_msg(is_back, "%s did not come back", name);
}

/* The status code of GET path; 0: no answer. */
static int
get(const char *path)
{
    const char *url = json_string_value(json_object_get(up.ready, "http"));
    struct sockaddr_in address = {.sin_family = AF_INET};
    char text[512];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), code = 0;
    ssize_t size;

    address.sin_port = htons((uint16_t)strtoul(strrchr(url, ':') + 1, NULL, 10));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
        int length =
            snprintf(text, sizeof text,
                     "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);

        ck_assert_int_eq(send(fd, text, (size_t)length, MSG_NOSIGNAL), length);
        size = recv(fd, text, sizeof text - 1, 0);
        text[size > 0 ? size : 0] = '\0';
        if (strncmp(text, "HTTP/1.1 ", 9) == 0)
            code = (int)strtol(text + 9, NULL, 10);
    }
    close(fd);
    return code;
}

static void
wait_for_http(const char *path, int code)
{
    int64_t until_ms = clock_ms() + PATIENCE_MS;

    while (get(path) != code && clock_ms() < until_ms)
        pause_briefly();
    if (get(path) != code)
        print_log();
    ck_assert_int_eq(get(path), code);
}

START_TEST(all_is_ready_when_it_says_so_and_gone_when_it_is_stopped)
{
    pid_t pids[PIDS_MAX];
    size_t count;
    char path[PATH_MAX];

    ck_assert_ptr_nonnull(
        strstr(json_string_value(json_object_get(up.ready, "broker")), "ipc://"));
    ck_assert_int_eq(get("/health"), 200);
    wait_for_http("/ready", 200);
    count = all_pids(pids);
    ck_assert_uint_eq(count,
                      8); /* postgres, broker, tune, events, explain, retention, health, http */
    ck_assert_int_eq(stop_up(SIGTERM), 0);
    wait_until_gone(pids, count);
    ck_assert(paths_join(path, sizeof path, up.data_dir, "run"));
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_ptr_null(status_read(up.data_dir));
    remove_data();
}
END_TEST

static bool
has_argument(pid_t pid, const char *text)
{
    char path[64], line[4096];
    FILE *file;
    size_t size;

    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    file = fopen(path, "r");
    size = file ? fread(line, 1, sizeof line, file) : 0;
    if (file)
        fclose(file);
    return memmem(line, size, text, strlen(text)) != NULL;
}

START_TEST(the_admin_token_is_handed_on_but_not_by_arguments)
{
    pid_t pids[PIDS_MAX];
    size_t count = all_pids(pids);

    ck_assert_int_eq(get("/admin/auth/check"), 401); /* closed without a token: 403 */
    ck_assert(has_argument(pid_of("http"), "--set"));
    for (size_t i = 0; i < count; i++)
        ck_assert(!has_argument(pids[i], TOKEN));
    ck_assert_int_eq(stop_up(SIGTERM), 0);
    remove_data();
}
END_TEST

static const char *const victims[] = {"broker", "tune-1", "http", "postgres"};

START_TEST(what_is_killed_is_back_and_all_is_ready_again)
{
    pid_t before = pid_of(victims[_i]);

    ck_assert_int_gt(before, 0);
    ck_assert_int_eq(kill(before, SIGKILL), 0);
    wait_for_restart(victims[_i], before);
    wait_for_http("/ready", 200);
    ck_assert_int_eq(stop_up(SIGINT), 0);
    remove_data();
}
END_TEST

START_TEST(a_second_one_on_the_same_data_is_refused_and_the_first_lives_on)
{
    const char *argv[] = {TUNEMILL, "up",          "--data-dir", up.data_dir,
                          "--http", "127.0.0.1:0", NULL};
    struct command *second = command_run(argv);

    ck_assert_ptr_nonnull(second);
    ck_assert_int_eq(second->code, 1);
    ck_assert_ptr_nonnull(strstr(second->err, "another `tunemill up`"));
    command_destroy(&second);
    ck_assert_int_eq(get("/health"), 200);
    ck_assert_int_eq(stop_up(SIGTERM), 0);
    remove_data();
}
END_TEST

START_TEST(killed_without_a_chance_it_takes_its_children_along_and_can_be_started_again)
{
    pid_t pids[PIDS_MAX];
    size_t count = all_pids(pids);

    stop_up(SIGKILL);
    start_up(); /* at once: the old database may still be stopping */
    wait_until_gone(pids, count);
    wait_for_http("/ready", 200);
    ck_assert_int_eq(stop_up(SIGTERM), 0);
    remove_data();
}
END_TEST

START_TEST(a_port_that_is_taken_ends_the_start_with_a_reason)
{
    const char *url = json_string_value(json_object_get(up.ready, "http"));
    char other[140];
    const char *argv[] = {TUNEMILL, "up", "--data-dir", other, "--http", strstr(url, "127."),
                          NULL};
    struct command *second;

    snprintf(other, sizeof other, "%s/other", up.root);
    second = command_run(argv);
    ck_assert_ptr_nonnull(second);
    ck_assert_int_eq(second->code, 1);
    ck_assert_msg(strstr(second->err, " is held by tunemill (process ") != NULL, "%s",
                  second->err);
    command_destroy(&second);
    ck_assert_int_eq(stop_up(SIGTERM), 0);
    remove_data();
}
END_TEST

START_TEST(a_tune_is_submitted_watched_and_found_again_by_its_key)
{
    const char *submit[] = {TUNEMILL,
                            "submit",
                            "tests/data/sp500_daily.csv",
                            "--strategy",
                            "bb_reversal",
                            "--search",
                            "grid",
                            "--space",
                            "period=10:50:10",
                            "--space",
                            "k=1,1.5,2,2.5",
                            "--cash",
                            "1000000",
                            "--key",
                            "once",
                            "--watch",
                            "--json",
                            "--data-dir",
                            up.data_dir,
                            NULL};
    const char *tunes[] = {TUNEMILL, "tunes", "--json", "--data-dir", up.data_dir, NULL};
    struct command *first = command_run(submit), *again = command_run(submit),
                   *list = command_run(tunes);
    json_t *answer = json_loads(first->out, 0, NULL), *all = json_loads(list->out, 0, NULL);

    if (first->code != 0)
        print_log();
    ck_assert_msg(first->code == 0, "%s", first->err);
    ck_assert_str_eq(json_string_value(json_object_get(answer, "status")), "completed");
    ck_assert_int_eq(json_integer_value(json_object_get(answer, "trials_completed")), 20);
    ck_assert_msg(strstr(first->err, "storing [########################] 20/20 trials") != NULL,
                  "%s", first->err);
    ck_assert_ptr_null(strstr(first->err, " 0 s left"));
    ck_assert_str_eq(first->out, again->out);
    ck_assert_ptr_nonnull(strstr(again->err, "used before"));
    ck_assert_uint_eq(json_array_size(all), 1);
    json_decref(answer);
    json_decref(all);
    command_destroy(&first);
    command_destroy(&again);
    command_destroy(&list);
    ck_assert_int_eq(stop_up(SIGTERM), 0);
    remove_data();
}
END_TEST

/* `tunemill submit ... --watch --json` with these words; the answer is the caller's. */
static json_t *
submit(const char *const *words)
{
    const char *argv[16] = {TUNEMILL, "submit", "--watch", "--json", "--data-dir", up.data_dir};
    struct command *command;
    json_t *answer;

    for (size_t i = 0; words[i]; i++)
        argv[6 + i] = words[i];
    command = command_run(argv);
    ck_assert_msg(command->code == 0, "%s", command->err);
    answer = json_loads(command->out, 0, NULL);
    command_destroy(&command);
    return answer;
}

static const char *
member(const json_t *tune, const char *name)
{
    return json_string_value(json_object_get(tune, name));
}

START_TEST(the_same_is_asked_again_but_for_what_is_said)
{
    const char *one[] = {
        "tests/data/SYND.csv", "--strategy", "bb_reversal", "--trials", "8", "--gates",
        "{\"min_trades\":1}",  NULL};
    json_t *first = submit(one), *same, *other;
    char begin[24];
    const char *again[] = {"--like", begin, NULL};
    const char *changed[] = {"--like", member(first, "tune_id"), "--cash", "5000.5", NULL};
    const char *nowhere[] = {
        TUNEMILL,     "submit",    "--like", "00000000-0000-7000-8000-00000000dead",
        "--data-dir", up.data_dir, NULL};
    struct command *lost = command_run(nowhere);

    snprintf(begin, sizeof begin, "%.20s",
             member(first, "tune_id")); /* but for a millisecond */
    same = submit(again);
    other = submit(changed);
    ck_assert_str_ne(member(first, "tune_id"), member(same, "tune_id"));
    ck_assert(json_equal(json_object_get(first, "request"), json_object_get(same, "request")));
    ck_assert(json_equal(json_object_get(first, "counts"), json_object_get(same, "counts")));
    ck_assert(
        !json_equal(json_object_get(first, "request"), json_object_get(other, "request")));
    ck_assert(json_number_value(json_object_get(json_object_get(other, "request"),
                                                "initial_cash")) == 5000.5);
    ck_assert_int_eq(lost->code, 2);
    ck_assert_ptr_nonnull(strstr(lost->err, "there is no such tune"));
    command_destroy(&lost);
    json_decref(first);
    json_decref(same);
    json_decref(other);
    ck_assert_int_eq(stop_up(SIGTERM), 0);
    remove_data();
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("supervisor");
    TCase *first = suite_case(suite, "first time", start_first_time, NULL),
          *tcase = suite_case(suite, "up", start_again, NULL);

    suite_tests(first, all_is_ready_when_it_says_so_and_gone_when_it_is_stopped);
    suite_tests(tcase, the_admin_token_is_handed_on_but_not_by_arguments);
    suite_rows(tcase, what_is_killed_is_back_and_all_is_ready_again, victims);
    suite_tests(tcase, a_second_one_on_the_same_data_is_refused_and_the_first_lives_on,
                killed_without_a_chance_it_takes_its_children_along_and_can_be_started_again,
                a_port_that_is_taken_ends_the_start_with_a_reason,
                a_tune_is_submitted_watched_and_found_again_by_its_key,
                the_same_is_asked_again_but_for_what_is_said);
    return suite_run(suite);
}
