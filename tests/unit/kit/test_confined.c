/* A program in a process of its own: what it says, and every way in which it may end. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/kit/runtime/confined.h"
#include "tests/support/suite.h"

#define PATIENCE_MS 20000

struct world {
    loop_t *loop;
    confined_t *program;
    int input;
    /* what was told */
    int told, code;
    tm_err_t err;
    char text[4096];
};

static struct world world;

static void
setup(void)
{
    char path[] = "/tmp/test_confined-XXXXXX";

    world = (struct world){.loop = loop_new(), .input = mkstemp(path)};
    ck_assert_int_ge(world.input, 0);
    unlink(path);
}

static void
teardown(void)
{
    confined_destroy(&world.program);
    loop_destroy(&world.loop);
    close(world.input);
}

static void
on_end(void *arg, tm_err_t err, int code, tm_str_t output)
{
    world.told++;
    world.err = err;
    world.code = code;
    snprintf(world.text, sizeof(world.text), "%.*s", (int)output.size, output.data);
    if (arg)
        confined_destroy(&world.program);
    loop_stop(world.loop);
}

static void
give_up(void *arg)
{
    (void)arg;
    ck_abort_msg("the program's end was not told");
}

static void
begin(const char *const *argv, uint32_t deadline_ms)
{
    const struct confined_spec spec = {
        .argv = argv, .input = world.input, .max_output = 1000, .deadline_ms = deadline_ms};

    world.program = confined_new(world.loop, &spec, on_end, NULL);
    ck_assert_ptr_nonnull(world.program);
}

static void
run(const char *script, uint32_t deadline_ms)
{
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    int guard = loop_timer(world.loop, PATIENCE_MS, false, give_up, NULL);

    begin(argv, deadline_ms);
    loop_run(world.loop);
    loop_timer_end(world.loop, guard);
    ck_assert_int_eq(world.told, 1);
}

static const struct {
    const char *script;
    tm_err_t err;
    int code;
    const char *text;
} ends[] = {
    {"echo said", TM_OK, 0, "said\n"},
    {"echo said; exit 7", TM_OK, 7, "said\n"},
    {"exit 0", TM_OK, 0, ""},
    {"echo unheard >&2", TM_OK, 0, ""},
    {"kill -9 $$", TM_INTERNAL, -1, ""},
    {"echo half; kill -11 $$", TM_INTERNAL, -1, ""},
    {"while :; do echo again and again; done", TM_TOO_LARGE, -1, ""},
    {"/usr/bin/env", TM_OK, 0, ""},                       /* no environment */
    {"ls /proc/self/fd | tr -d '\\n'", TM_OK, 0, "0123"}, /* 3: the directory itself */
    {"ulimit -c", TM_OK, 0, "0\n"},                       /* no core */
    {"cat", TM_OK, 0, "what was sent"},
    {"cat /dev/stdin", TM_OK, 0, "what was sent"},
};

START_TEST(an_end_is_told_once)
{
    static const char sent[] = "what was sent";

    ck_assert_int_eq(write(world.input, sent, strlen(sent)), (ssize_t)strlen(sent));
    lseek(world.input, 0, SEEK_SET);
    run(ends[_i].script, PATIENCE_MS);
    ck_assert_msg(world.err == ends[_i].err, "%s: %s", ends[_i].script, tm_err_name(world.err));
    ck_assert_msg(world.code == ends[_i].code, "%s: %d", ends[_i].script, world.code);
    if (strstr(ends[_i].script, "env"))
        ck_assert_msg(!strstr(world.text, "HOME"), "%s", world.text);
    else
        ck_assert_str_eq(world.text, ends[_i].text);
}
END_TEST

START_TEST(who_is_late_is_killed)
{
    run("while :; do sleep 1; done", 100);
    ck_assert_int_eq(world.err, TM_TIMEOUT);
}
END_TEST

START_TEST(a_program_that_is_not_there_says_nothing)
{
    const char *const argv[] = {"/nowhere/at/all", NULL};

    begin(argv, PATIENCE_MS);
    loop_run(world.loop);
    ck_assert_int_eq(world.err, TM_OK);
    ck_assert_int_eq(world.code, 127);
    ck_assert_str_eq(world.text, "");
}
END_TEST

START_TEST(who_is_told_may_destroy_it)
{
    const char *const argv[] = {"/bin/sh", "-c", "echo said", NULL};
    const struct confined_spec spec = {
        .argv = argv, .input = world.input, .max_output = 1000, .deadline_ms = PATIENCE_MS};

    world.program = confined_new(world.loop, &spec, on_end, &world);
    loop_run(world.loop);
    ck_assert_ptr_null(world.program);
    ck_assert_str_eq(world.text, "said\n");
}
END_TEST

static void
stop_loop(void *arg)
{
    (void)arg;
    loop_stop(world.loop);
}

START_TEST(what_is_destroyed_is_killed_and_tells_nothing)
{
    const char *const argv[] = {"/bin/sh", "-c", "while :; do sleep 1; done", NULL};

    begin(argv, PATIENCE_MS);
    confined_destroy(&world.program);
    loop_timer(world.loop, 50, false, stop_loop, NULL);
    loop_run(world.loop);
    ck_assert_int_eq(world.told, 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("confined");
    TCase *tcase = suite_case(suite, "confined", setup, teardown);

    suite_rows(tcase, an_end_is_told_once, ends);
    suite_tests(tcase, who_is_late_is_killed, a_program_that_is_not_there_says_nothing,
                who_is_told_may_destroy_it, what_is_destroyed_is_killed_and_tells_nothing);
    return suite_run(suite);
}
