#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "actors/kit/runtime/loop.h"
#include "tests/support/suite.h"

struct world {
    loop_t *loop;
    zsock_t *in, *out;
    int pipe[2];
    int timer;
    int calls, after_calls, drains;
    int stop_at;
    int far; /* the other thread reads at its end */
};

static struct world world;

static void
setup(void)
{
    world = (struct world){.loop = loop_new(), .stop_at = 1};
    world.out = zsock_new_pair("@inproc://test-loop");
    world.in = zsock_new_pair(">inproc://test-loop");
    ck_assert_int_eq(pipe(world.pipe), 0);
}

static void
teardown(void)
{
    loop_destroy(&world.loop);
    ck_assert_ptr_null(world.loop);
    zsock_destroy(&world.in);
    zsock_destroy(&world.out);
    close(world.pipe[0]);
    close(world.pipe[1]);
}

static void
give_up(void *arg)
{
    (void)arg;
    ck_abort_msg("the loop waited for something that did not come");
}

static void
run(void)
{
    int guard = loop_timer(world.loop, 20000, false, give_up, NULL);

    loop_run(world.loop);
    loop_timer_end(world.loop, guard);
}

static void
count(void *arg)
{
    struct world *self = arg;

    if (++self->calls >= self->stop_at)
        loop_stop(self->loop);
}

static void
read_all(void *arg)
{
    struct world *self = arg;

    while (zsock_events(self->in) & ZMQ_POLLIN) {
        zmsg_t *msg = zmsg_recv(self->in);
        zmsg_destroy(&msg);
        count(self);
    }
}

START_TEST(a_socket_is_read_until_empty)
{
    world.stop_at = 100;
    for (int i = 0; i < 100; i++)
        zstr_send(world.out, "x");
    loop_socket(world.loop, world.in, read_all, &world);
    run();
    ck_assert_int_eq(world.calls, 100);
}
END_TEST

static void
never(void *arg)
{
    (void)arg;
    ck_abort_msg("a handler that was ended has run");
}

START_TEST(a_socket_that_was_ended_is_not_read)
{
    loop_socket(world.loop, world.in, never, NULL);
    loop_socket_end(world.loop, world.in);
    zstr_send(world.out, "x");
    loop_timer(world.loop, 20, false, count, &world);
    run();
    ck_assert_int_eq(world.calls, 1);
}
END_TEST

static void
read_byte(void *arg)
{
    struct world *self = arg;
    char byte;

    ck_assert_int_eq(read(self->pipe[0], &byte, 1), 1);
    count(self);
}

START_TEST(a_descriptor_registered_again_has_the_newer_handler)
{
    loop_fd(world.loop, world.pipe[0], ZMQ_POLLIN, never, NULL);
    loop_fd(world.loop, world.pipe[0], ZMQ_POLLIN, read_byte, &world);
    ck_assert_int_eq(write(world.pipe[1], "x", 1), 1);
    run();
    ck_assert_int_eq(world.calls, 1);
}
END_TEST

static void
end_self(void *arg)
{
    struct world *self = arg;

    loop_fd_end(self->loop, self->pipe[0]); /* stays readable: it would run for ever */
    self->calls++;
    loop_timer(self->loop, 20, false, count, self);
}

START_TEST(a_descriptor_may_end_itself)
{
    world.stop_at = 2;
    loop_fd(world.loop, world.pipe[0], ZMQ_POLLIN, end_self, &world);
    ck_assert_int_eq(write(world.pipe[1], "x", 1), 1);
    run();
    ck_assert_int_eq(world.calls, 2);
}
END_TEST

START_TEST(a_hung_up_descriptor_calls_its_handler)
{
    loop_fd(world.loop, world.pipe[0], ZMQ_POLLIN, count, &world);
    close(world.pipe[1]);
    world.pipe[1] = -1;
    run();
    ck_assert_int_eq(world.calls, 1);
}
END_TEST

START_TEST(a_timer_repeats_until_it_is_ended)
{
    world.stop_at = 5;
    world.timer = loop_timer(world.loop, 1, true, count, &world);
    run();
    ck_assert_int_eq(world.calls, 5);
    loop_timer_end(world.loop, world.timer);
    world.stop_at = 6;
    loop_timer(world.loop, 30, false, count, &world);
    run();
    ck_assert_int_eq(world.calls, 6);
}
END_TEST

START_TEST(a_one_shot_timer_runs_once)
{
    world.stop_at = 2;
    loop_timer(world.loop, 1, false, count, &world);
    loop_timer(world.loop, 40, false, count, &world);
    run();
    ck_assert_int_eq(world.calls, 2);
}
END_TEST

static void
end_other_timer(void *arg)
{
    struct world *self = arg;

    loop_timer_end(self->loop, self->timer);
    loop_timer(self->loop, 30, false, count, self); /* may take the ended one's place */
}

START_TEST(a_timer_ended_by_another_of_the_same_moment_does_not_run)
{
    loop_timer(world.loop, 5, false, end_other_timer, &world);
    world.timer = loop_timer(world.loop, 5, false, never, NULL);
    run();
    ck_assert_int_eq(world.calls, 1);
}
END_TEST

static void
restart_timer(void *arg)
{
    struct world *self = arg;

    if (self->calls < 999)
        loop_timer(self->loop, 0, false, restart_timer, self);
    count(self);
}

START_TEST(a_timer_of_no_delay_runs_soon_and_can_start_itself_anew)
{
    world.stop_at = 1000;
    loop_timer(world.loop, 0, false, restart_timer, &world);
    run();
    ck_assert_int_eq(world.calls, 1000);
}
END_TEST

static void
count_after(void *arg)
{
    struct world *self = arg;

    self->after_calls++;
}

START_TEST(what_runs_after_a_turn_runs_once_before_the_first_and_then_after_each)
{
    world.stop_at = 3;
    loop_after(world.loop, count_after, &world);
    loop_timer(world.loop, 1, true, count, &world);
    run();
    ck_assert_int_eq(world.after_calls, 4);
}
END_TEST

static void
stop_now(void *arg)
{
    loop_stop(arg);
}

START_TEST(what_runs_after_a_turn_may_stop_the_loop)
{
    loop_after(world.loop, stop_now, world.loop);
    loop_timer(world.loop, 1, false, never, NULL);
    loop_run(world.loop);
    ck_assert_int_eq(world.calls, 0);
}
END_TEST

static void
on_drain(void *arg)
{
    struct world *self = arg;

    self->drains++;
    if (self->drains >= self->stop_at)
        loop_stop(self->loop);
}

static void
raise_term(void *arg)
{
    (void)arg;
    raise(SIGTERM);
}

START_TEST(the_first_signal_drains)
{
    loop_signals(world.loop, on_drain, &world);
    loop_timer(world.loop, 1, false, raise_term, NULL);
    run();
    ck_assert_int_eq(world.drains, 1);
}
END_TEST

START_TEST(a_second_signal_ends_the_loop_without_another_drain)
{
    world.stop_at = 99;
    loop_signals(world.loop, on_drain, &world);
    loop_timer(world.loop, 1, false, raise_term, NULL);
    loop_timer(world.loop, 30, false, raise_term, NULL);
    run();
    ck_assert_int_eq(world.drains, 1);
}
END_TEST

/* --- looking again ------------------------------------------------------------------------ */

enum { SPIN_US = 2000, QUICK_TIMES = 500, SLOW_TIMES = 20, SLOW_MS = 10 };

static void *
echo(void *arg)
{
    int *ends = arg;
    char byte;

    while (read(ends[0], &byte, 1) == 1)
        if (write(ends[1], &byte, 1) != 1)
            return NULL;
    return NULL;
}

static void
on_echo(void *arg)
{
    struct world *self = arg;
    char byte;

    ck_assert_int_eq(read(self->pipe[0], &byte, 1), 1);
    count(self);
    ck_assert_int_eq(write(self->far, &byte, 1), 1);
}

static double
cpu_seconds(void)
{
    struct timespec used;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec * 1e-9;
}

/* Answers from another thread come while it looks, or after it has gone to sleep: each counts
 * once. */
START_TEST(a_loop_that_looks_again_misses_nothing)
{
    int there[2];
    pthread_t thread;

    ck_assert_int_eq(pipe(there), 0);
    int ends[2] = {there[0], world.pipe[1]};
    world.far = there[1];
    world.stop_at = QUICK_TIMES;
    loop_spin(world.loop, SPIN_US);
    loop_fd(world.loop, world.pipe[0], ZMQ_POLLIN, on_echo, &world);
    ck_assert_int_eq(pthread_create(&thread, NULL, echo, ends), 0);
    ck_assert_int_eq(write(world.far, "x", 1), 1);
    run();
    ck_assert_int_eq(world.calls, QUICK_TIMES);
    close(there[1]);
    pthread_join(thread, NULL);
    close(there[0]);
}
END_TEST

static void *
beat_slowly(void *arg)
{
    struct world *self = arg;

    for (int i = 0; i < SLOW_TIMES; i++) {
        zclock_sleep(SLOW_MS); /* what is tested is the loop's wait for it */
        if (write(self->pipe[1], "x", 1) != 1)
            break;
    }
    return NULL;
}

static void
on_beat(void *arg)
{
    struct world *self = arg;
    char byte;

    ck_assert_int_eq(read(self->pipe[0], &byte, 1), 1);
    count(self);
}

START_TEST(a_loop_that_waits_long_sleeps)
{
    pthread_t thread;
    double before = cpu_seconds();

    world.stop_at = SLOW_TIMES;
    loop_spin(world.loop, SPIN_US);
    loop_fd(world.loop, world.pipe[0], ZMQ_POLLIN, on_beat, &world);
    ck_assert_int_eq(pthread_create(&thread, NULL, beat_slowly, &world), 0);
    run();
    pthread_join(thread, NULL);
    /* had it looked each time, this would be its share of the time at least */
    ck_assert_double_lt(cpu_seconds() - before, SLOW_TIMES * SPIN_US * 1e-6 / 2);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("loop");
    TCase *tcase = suite_case(suite, "loop", setup, teardown);

    suite_tests(tcase, a_socket_is_read_until_empty, a_socket_that_was_ended_is_not_read,
                a_descriptor_registered_again_has_the_newer_handler,
                a_descriptor_may_end_itself, a_hung_up_descriptor_calls_its_handler,
                a_timer_repeats_until_it_is_ended, a_one_shot_timer_runs_once,
                a_timer_ended_by_another_of_the_same_moment_does_not_run,
                a_timer_of_no_delay_runs_soon_and_can_start_itself_anew,
                what_runs_after_a_turn_runs_once_before_the_first_and_then_after_each,
                what_runs_after_a_turn_may_stop_the_loop, the_first_signal_drains,
                a_second_signal_ends_the_loop_without_another_drain,
                a_loop_that_looks_again_misses_nothing, a_loop_that_waits_long_sleeps);
    return suite_run(suite);
}
