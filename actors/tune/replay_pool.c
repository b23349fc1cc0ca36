#include "actors/tune/replay_pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "actors/kit/clock.h"
#include "actors/kit/log.h"

enum { NICENESS = 10 };

struct replay_pool {
    const settings_t *settings;
    meters_t *meters;
    pthread_t *threads;
    size_t thread_count;
    int fd; /* readable while something has ended */
    pthread_mutex_t lock;
    pthread_cond_t wakes;
    /* under the lock */
    fifo_t waiting, ended;
    bool is_closed;
};

/* The lock is held. */
static void
end(replay_pool_t *self, struct replay_task *task)
{
    const uint64_t one = 1;

    fifo_add(&self->ended, task);
    if (self->ended.count == 1 && write(self->fd, &one, sizeof(one)) < 0)
        log_error("backtest.unheard", "errno=%d", errno);
}

/* NULL: the pool is closed. */
static struct replay_task *
next(replay_pool_t *self)
{
    struct replay_task *task = NULL;

    pthread_mutex_lock(&self->lock);
    while (!self->is_closed && !task) {
        task = fifo_take(&self->waiting);
        if (!task) {
            pthread_cond_wait(&self->wakes, &self->lock);
        } else if (task->deadline_ms <= clock_ms()) {
            task->err = TM_TIMEOUT;
            end(self, task);
            task = NULL;
        }
    }
    pthread_mutex_unlock(&self->lock);
    return task;
}

static void
compute(replay_t *replay, struct replay_task *task)
{
    const int64_t started_us = clock_us();

    log_trace(&task->trace);
    task->err = replay_answer(replay, &task->call, &task->answer, task->detail);
    log_debug("backtest.computed", "code=%s took_us=%lld", tm_err_name(task->err),
              (long long)(clock_us() - started_us));
    log_trace(NULL);
}

static void *
work(void *arg)
{
    replay_pool_t *self = arg;
    replay_t *replay = replay_new(self->settings, self->meters);
    struct replay_task *task;

    if (setpriority(PRIO_PROCESS, (id_t)gettid(), NICENESS))
        log_debug("backtest.not_nice", "errno=%d", errno);
    while ((task = next(self))) {
        compute(replay, task);
        pthread_mutex_lock(&self->lock);
        end(self, task);
        pthread_mutex_unlock(&self->lock);
    }
    replay_destroy(&replay);
    return NULL;
}

replay_pool_t *
replay_pool_new(const settings_t *settings, meters_t *meters)
{
    const size_t wanted = (size_t)settings->tune_replay_threads;
    replay_pool_t *self = zmalloc(sizeof(*self));

    self->settings = settings;
    self->meters = meters;
    self->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->wakes, NULL);
    self->threads = zmalloc(wanted * sizeof(*self->threads));
    while (self->fd >= 0 && self->thread_count < wanted &&
           pthread_create(&self->threads[self->thread_count], NULL, work, self) == 0)
        self->thread_count++;
    if (self->thread_count == 0)
        replay_pool_destroy(&self);
    else if (self->thread_count < wanted)
        log_warn("backtest.few_threads", "threads=%zu wanted=%zu", self->thread_count, wanted);
    return self;
}

void
replay_pool_destroy(replay_pool_t **self_p)
{
    replay_pool_t *self = *self_p;

    if (!self)
        return;
    replay_pool_close(self);
    for (size_t i = 0; i < self->thread_count; i++)
        pthread_join(self->threads[i], NULL);
    if (self->fd >= 0)
        close(self->fd);
    pthread_cond_destroy(&self->wakes);
    pthread_mutex_destroy(&self->lock);
    free(self->threads);
    free(self);
    *self_p = NULL;
}

void
replay_pool_add(replay_pool_t *self, struct replay_task *task)
{
    pthread_mutex_lock(&self->lock);
    if (self->is_closed) {
        task->err = TM_DRAINING;
        end(self, task);
    } else {
        fifo_add(&self->waiting, task);
        pthread_cond_signal(&self->wakes);
    }
    pthread_mutex_unlock(&self->lock);
}

void
replay_pool_extend(replay_pool_t *self, struct replay_task *task, int64_t deadline_ms)
{
    pthread_mutex_lock(&self->lock);
    if (task->deadline_ms < deadline_ms)
        task->deadline_ms = deadline_ms;
    pthread_mutex_unlock(&self->lock);
}

struct replay_task *
replay_pool_take(replay_pool_t *self)
{
    struct replay_task *task;
    uint64_t count;

    pthread_mutex_lock(&self->lock);
    task = fifo_take(&self->ended);
    if (!self->ended.count && read(self->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
        log_error("backtest.unread", "errno=%d", errno);
    pthread_mutex_unlock(&self->lock);
    return task;
}

void
replay_pool_close(replay_pool_t *self)
{
    struct replay_task *task;

    pthread_mutex_lock(&self->lock);
    self->is_closed = true;
    while ((task = fifo_take(&self->waiting))) {
        task->err = TM_DRAINING;
        end(self, task);
    }
    pthread_cond_broadcast(&self->wakes);
    pthread_mutex_unlock(&self->lock);
}

int
replay_pool_fd(const replay_pool_t *self)
{
    return self->fd;
}
