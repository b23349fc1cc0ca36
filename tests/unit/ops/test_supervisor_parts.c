#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/kit/runtime/log.h"
#include "ops/supervisor/child.h"
#include "ops/supervisor/cluster.h"
#include "ops/supervisor/status.h"
#include "tests/support/suite.h"

static char detail[1024];
static char root[64];
static const struct process_user us = {.drop = false};

static void
make_root(void)
{
    snprintf(root, sizeof root, "/tmp/tm-parts-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
}

static void
remove_root(void)
{
    ck_assert_int_eq(paths_remove_tree(root), TM_OK);
}

static void
path_of(char out[PATH_MAX], const char *name)
{
    ck_assert(paths_join(out, PATH_MAX, root, name));
}

static pid_t
dead_process(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    return pid;
}

/* ---- children --------------------------------------------------------------------------- */

static void
start(struct child *child, const char *program, int64_t now_ms)
{
    char *argv[] = {(char[]){"x"}, NULL};

    child_start(child,
                &(struct process_options){
                    .path = program, .argv = argv, .death_signal = SIGKILL, .keep_fd = -1},
                now_ms);
}

static void
end(struct child *child, int64_t now_ms)
{
    int status;

    ck_assert_int_eq(waitpid(child->pid, &status, 0), child->pid);
    child_on_exit(child, status, now_ms);
}

START_TEST(what_dies_young_waits_twice_as_long_each_time_up_to_five_seconds)
{
    static const int64_t pauses[] = {100, 200, 400, 800, 1600, 3200, 5000, 5000};
    struct child child;

    child_init(&child, CHILD_TUNE, "tune-1");
    for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++) {
        start(&child, "/bin/false", 1000);
        end(&child, 1500);
        ck_assert_int_eq(child.state, CHILD_PAUSED_STATE);
        ck_assert_int_eq(child.due_ms, 1500 + pauses[i]);
    }
    ck_assert_uint_eq(child.restarts, 8);
    child_fini(&child);
}
END_TEST

START_TEST(ten_seconds_of_life_forgive_what_was_before)
{
    struct child child;

    child_init(&child, CHILD_TUNE, "tune-1");
    for (int i = 0; i < 5; i++) {
        start(&child, "/bin/false", 0);
        end(&child, 10);
    }
    start(&child, "/bin/false", 0);
    end(&child, 10000);
    ck_assert_int_eq(child.due_ms, 10000 + 100);
    child_fini(&child);
}
END_TEST

START_TEST(a_child_that_runs_once_is_done_when_it_ends_well_and_not_before)
{
    struct child child;

    child_init(&child, CHILD_MIGRATE, NULL);
    start(&child, "/bin/false", 0);
    ck_assert(!child.was_ready);
    end(&child, 1);
    ck_assert_int_eq(child.state, CHILD_PAUSED_STATE);
    ck_assert_uint_eq(child.early_exits, 1);
    start(&child, "/bin/true", 101);
    end(&child, 102);
    ck_assert_int_eq(child.state, CHILD_DONE_STATE);
    ck_assert(child.was_ready && child_is_over(&child));
    child_fini(&child);
}
END_TEST

START_TEST(a_child_is_ready_when_its_line_is_whole)
{
    struct child child;
    int fd;

    child_init(&child, CHILD_HTTP, NULL);
    fd = child_open_pipe(&child);
    ck_assert_int_ge(fd, 0);
    start(&child, "/bin/true", 0);
    ck_assert_int_eq(write(fd, "127.0.0.1:", 10), 10);
    ck_assert(!child_read_line(&child));
    ck_assert_int_eq(child.state, CHILD_STARTING_STATE);
    ck_assert_int_eq(write(fd, "8080\n", 5), 5);
    ck_assert(child_read_line(&child));
    ck_assert_int_eq(child.state, CHILD_READY_STATE);
    ck_assert_str_eq(child.line, "127.0.0.1:8080");
    close(fd);
    end(&child, 1);
    child_fini(&child);
}
END_TEST

START_TEST(a_line_without_end_makes_no_one_ready)
{
    struct child child;
    char flood[CHILD_LINE_MAX];
    int fd;

    memset(flood, 'x', sizeof flood);
    child_init(&child, CHILD_HTTP, NULL);
    fd = child_open_pipe(&child);
    start(&child, "/bin/true", 0);
    ck_assert_int_eq(write(fd, flood, sizeof flood), sizeof flood);
    ck_assert(!child_read_line(&child));
    ck_assert_int_eq(child.ready_fd, -1);
    ck_assert(!child.was_ready);
    close(fd);
    end(&child, 1);
    child_fini(&child);
}
END_TEST

START_TEST(a_child_that_does_not_stop_is_killed_when_its_time_is_up)
{
    struct child child;
    char *argv[] = {(char[]){"sh"}, (char[]){"-c"},
                    (char[]){"trap '' TERM; echo; while :; do read x </dev/zero; done"}, NULL};
    int status;

    child_init(&child, CHILD_TUNE, "tune-1");
    child_start(&child,
                &(struct process_options){
                    .path = "/bin/sh", .argv = argv, .death_signal = SIGKILL, .keep_fd = -1},
                0);
    child_stop(&child, 100);
    child_tick(&child, 100 + CHILD_HURRY_MS - 1);
    ck_assert_int_eq(child.hurries, 0);
    child_tick(&child, 100 + CHILD_HURRY_MS);
    ck_assert_int_eq(child.hurries, 1);
    ck_assert_int_eq(waitpid(child.pid, &status, 0), child.pid);
    child_on_exit(&child, status, 200);
    ck_assert_int_eq(child.state, CHILD_STOPPED_STATE);
    child_fini(&child);
}
END_TEST

START_TEST(a_program_that_does_not_exist_ends_like_any_that_fails)
{
    struct child child;

    child_init(&child, CHILD_TUNE, "tune-1");
    start(&child, "/nonexistent", 0);
    end(&child, 1);
    ck_assert_int_eq(child.state, CHILD_PAUSED_STATE);
    child_fini(&child);
}
END_TEST

START_TEST(any_number_of_arguments_is_kept)
{
    struct arguments arguments = {NULL, 0};
    char **argv, text[16];

    for (int i = 0; i < 1000; i++)
        arguments_add(&arguments, "%d", i);
    argv = arguments_argv(&arguments);
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "%d", i);
        ck_assert_str_eq(argv[i], text);
    }
    ck_assert_ptr_null(argv[1000]);
    free(argv);
    free(arguments.texts);
}
END_TEST

/* ---- paths ------------------------------------------------------------------------------ */

START_TEST(a_second_instance_on_a_data_directory_is_refused_with_the_first_ones_id)
{
    struct paths first, second;
    char expected[64];

    ck_assert_int_eq(paths_open(&first, root, true, &us, detail, sizeof detail), TM_OK);
    ck_assert_int_eq(paths_open(&second, root, true, &us, detail, sizeof detail), TM_BUSY);
    snprintf(expected, sizeof expected, "process %d", (int)getpid());
    ck_assert_ptr_nonnull(strstr(detail, expected));
    paths_close(&first);
    ck_assert_int_eq(paths_open(&second, root, true, &us, detail, sizeof detail), TM_OK);
    paths_close(&second);
}
END_TEST

START_TEST(a_long_data_directory_gets_its_sockets_elsewhere_and_leaves_nothing_there)
{
    char name[120], path[PATH_MAX];
    struct paths paths;

    memset(name, 'd', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    path_of(path, name);
    ck_assert_int_eq(paths_open(&paths, path, true, &us, detail, sizeof detail), TM_OK);
    ck_assert_int_eq(strncmp(paths.run_dir, "/tmp/tunemill-", 14), 0);
    ck_assert_uint_le(strlen(paths.socket_dir) + strlen("/.s.PGSQL.5432"), PATHS_SOCKET_MAX);
    ck_assert_int_eq(access(paths.socket_dir, F_OK), 0);
    paths_close(&paths);
    ck_assert_int_ne(access(paths.run_dir, F_OK), 0);
}
END_TEST

START_TEST(a_data_directory_with_a_special_name_has_sockets_that_lists_and_urls_can_name)
{
    static const char *const names[] = {"my tunes", "a,b",  "100%",    "what?",
                                        "a&b",      "a\"b", "\303\244"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[PATH_MAX];
        struct paths paths;

        path_of(path, names[i]);
        ck_assert_int_eq(paths_open(&paths, path, true, &us, detail, sizeof detail), TM_OK);
        ck_assert_str_eq(paths.data_dir, path);
        ck_assert_ptr_null(strstr(paths.run_dir, names[i]));
        ck_assert_ptr_null(strstr(paths.socket_dir, names[i]));
        paths_close(&paths);
        ck_assert_int_ne(access(paths.run_dir, F_OK), 0);
    }
}
END_TEST

START_TEST(a_data_directory_that_is_a_file_is_refused)
{
    char path[PATH_MAX];
    struct paths paths;
    FILE *file;

    path_of(path, "file");
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fclose(file);
    ck_assert_int_ne(paths_open(&paths, path, true, &us, detail, sizeof detail), TM_OK);
    ck_assert_ptr_nonnull(strstr(detail, path));
}
END_TEST

/* ---- the status file -------------------------------------------------------------------- */

START_TEST(the_status_of_a_living_supervisor_is_read_back)
{
    json_t *status = json_pack("{s:i, s:s}", "pid", (int)getpid(), "http", "http://x");
    json_t *read;

    ck_assert_int_eq(status_write(root, status), TM_OK);
    read = status_read(root);
    ck_assert(json_equal(status, read));
    json_decref(read);
    json_decref(status);
}
END_TEST

START_TEST(the_status_of_a_dead_supervisor_is_none)
{
    json_t *status = json_pack("{s:i}", "pid", (int)dead_process());

    ck_assert_ptr_null(status_read(root));
    ck_assert_int_eq(status_write(root, status), TM_OK);
    ck_assert_ptr_null(status_read(root));
    json_decref(status);
}
END_TEST

START_TEST(an_address_is_shown_without_its_password)
{
    char *safe = status_safe_url("postgresql://me:secret@db.example:5433/tunes");

    ck_assert_ptr_nonnull(strstr(safe, "host=db.example"));
    ck_assert_ptr_nonnull(strstr(safe, "dbname=tunes"));
    ck_assert_ptr_null(strstr(safe, "secret"));
    free(safe);
    safe = status_safe_url("postgresql://me@/tunes?host=/run");
    ck_assert_str_eq(safe, "postgresql://me@/tunes?host=/run");
    free(safe);
    ck_assert_ptr_null(status_safe_url("postgresql://["));
}
END_TEST

/* ---- the cluster ------------------------------------------------------------------------ */

static void
write_pid(const struct paths *paths, pid_t pid)
{
    char path[PATH_MAX];
    FILE *file;

    ck_assert(paths_join(path, sizeof path, paths->cluster, "postmaster.pid"));
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "%d\n%s\n1700000000\n5432\n", (int)pid, paths->cluster);
    fclose(file);
}

static void
write_pid_file(const struct paths *paths, pid_t pid)
{
    ck_assert(mkdir(paths->cluster, 0700) == 0);
    write_pid(paths, pid);
}

static void
read_pid_file(const struct paths *paths, char text[PATH_MAX])
{
    char path[PATH_MAX];
    FILE *file;

    ck_assert(paths_join(path, sizeof path, paths->cluster, "postmaster.pid"));
    file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, PATH_MAX - 1, file)] = '\0';
    fclose(file);
}

START_TEST(a_lock_file_whose_process_is_another_program_now_is_made_harmless)
{
    char text[PATH_MAX], expected[32];
    struct paths paths;
    cluster_t *cluster;
    pid_t other = fork();

    if (other == 0)
        for (;;)
            pause();
    ck_assert_int_eq(paths_open(&paths, root, true, &us, detail, sizeof detail), TM_OK);
    cluster = cluster_new(&paths, &us, detail, sizeof detail);
    ck_assert_msg(cluster != NULL, "%s", detail);
    write_pid_file(&paths, other);
    ck_assert_int_eq(cluster_clear_stale(cluster), TM_OK);
    read_pid_file(&paths, text);
    snprintf(expected, sizeof expected, "%d\n", (int)getpid());
    ck_assert_int_eq(strncmp(text, expected, strlen(expected)), 0);
    ck_assert_ptr_nonnull(strstr(text, "\n1700000000\n5432\n"));
    ck_assert_int_eq(kill(other, 0), 0); /* left alone */
    kill(other, SIGKILL);
    ck_assert_int_eq(waitpid(other, NULL, 0), other);
    cluster_destroy(&cluster);
    paths_close(&paths);
}
END_TEST

START_TEST(a_server_that_outlived_its_supervisor_is_told_to_stop_first)
{
    struct paths paths;
    cluster_t *cluster;
    pid_t server;
    int status, ends[2];
    char byte;

    ck_assert_int_eq(paths_open(&paths, root, true, &us, detail, sizeof detail), TM_OK);
    cluster = cluster_new(&paths, &us, detail, sizeof detail);
    ck_assert_msg(cluster != NULL, "%s", detail);
    ck_assert_int_eq(pipe(ends), 0);
    server = fork();
    if (server == 0) {           /* waits for its directory, as a server stands in its own */
        signal(SIGINT, SIG_DFL); /* not the test runner's handler */
        if (read(ends[0], &byte, 1) == 1 && chdir(paths.cluster) == 0 &&
            write(ends[1], "x", 1) == 1)
            for (;;)
                pause();
        _exit(1);
    }
    write_pid_file(&paths, server);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    while (cluster_clear_stale(cluster) == TM_OK) /* until it has got there */
        write_pid(&paths, server);
    ck_assert_int_eq(waitpid(server, &status, 0), server);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
    close(ends[0]);
    close(ends[1]);
    cluster_destroy(&cluster);
    paths_close(&paths);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("supervisor_parts");
    TCase *children = suite_case(suite, "children", NULL, NULL),
          *places = suite_case(suite, "places", make_root, remove_root);

    log_init("test", LOG_AT_ERROR);
    suite_tests(children, what_dies_young_waits_twice_as_long_each_time_up_to_five_seconds,
                ten_seconds_of_life_forgive_what_was_before,
                a_child_that_runs_once_is_done_when_it_ends_well_and_not_before,
                a_child_is_ready_when_its_line_is_whole, a_line_without_end_makes_no_one_ready,
                a_child_that_does_not_stop_is_killed_when_its_time_is_up,
                a_program_that_does_not_exist_ends_like_any_that_fails,
                any_number_of_arguments_is_kept);
    suite_tests(places, a_second_instance_on_a_data_directory_is_refused_with_the_first_ones_id,
                a_long_data_directory_gets_its_sockets_elsewhere_and_leaves_nothing_there,
                a_data_directory_with_a_special_name_has_sockets_that_lists_and_urls_can_name,
                a_data_directory_that_is_a_file_is_refused,
                the_status_of_a_living_supervisor_is_read_back,
                the_status_of_a_dead_supervisor_is_none,
                an_address_is_shown_without_its_password,
                a_lock_file_whose_process_is_another_program_now_is_made_harmless,
                a_server_that_outlived_its_supervisor_is_told_to_stop_first);
    return suite_run(suite);
}
