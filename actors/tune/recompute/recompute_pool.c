#include "actors/tune/recompute/recompute_pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/log.h"

enum { NICENESS = 10 };

struct recompute_pool {
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
end(recompute_pool_t *self, struct recompute_task *task)
{
    const uint64_t one = 1;

    fifo_add(&self->ended, task);
    if (self->ended.count == 1 && write(self->fd, &one, sizeof(one)) < 0)
        log_error("backtest.unheard", "errno=%d", errno);
}

/* NULL: the pool is closed. */
static struct recompute_task *
next(recompute_pool_t *self)
{
    struct recompute_task *task = NULL;

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
compute(recompute_t *replay, struct recompute_task *task)
{
    const int64_t started_us = clock_us();

    log_trace(&task->trace);
    task->err = recompute_answer(replay, &task->call, &task->answer, task->detail);
    log_debug("backtest.computed", "code=%s took_us=%lld", tm_err_name(task->err),
              (long long)(clock_us() - started_us));
    log_trace(NULL);
}

static void *
work(void *arg)
{
    recompute_pool_t *self = arg;
    recompute_t *replay = recompute_new(self->settings, self->meters);
    struct recompute_task *task;

    if (setpriority(PRIO_PROCESS, (id_t)gettid(), NICENESS))
        log_debug("backtest.not_nice", "errno=%d", errno);
    while ((task = next(self))) {
        compute(replay, task);
        pthread_mutex_lock(&self->lock);
        end(self, task);
        pthread_mutex_unlock(&self->lock);
    }
    recompute_destroy(&replay);
    return NULL;
}

recompute_pool_t *
recompute_pool_new(const settings_t *settings, meters_t *meters)
{
    const size_t wanted = (size_t)settings->tune_replay_threads;
    recompute_pool_t *self = zmalloc(sizeof(*self));

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
        recompute_pool_destroy(&self);
    else if (self->thread_count < wanted)
        log_warn("backtest.few_threads", "threads=%zu wanted=%zu", self->thread_count, wanted);
    return self;
}

void
recompute_pool_destroy(recompute_pool_t **self_p)
{
    recompute_pool_t *self = *self_p;

    if (!self)
        return;
    recompute_pool_close(self);
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
recompute_pool_add(recompute_pool_t *self, struct recompute_task *task)
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
recompute_pool_extend(recompute_pool_t *self, struct recompute_task *task, int64_t deadline_ms)
{
    pthread_mutex_lock(&self->lock);
    if (task->deadline_ms < deadline_ms)
        task->deadline_ms = deadline_ms;
    pthread_mutex_unlock(&self->lock);
}

struct recompute_task *
recompute_pool_take(recompute_pool_t *self)
{
    struct recompute_task *task;
    uint64_t count;

    pthread_mutex_lock(&self->lock);
    task = fifo_take(&self->ended);
    if (!self->ended.count && read(self->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
        log_error("backtest.unread", "errno=%d", errno);
    pthread_mutex_unlock(&self->lock);
    return task;
}

void
recompute_pool_close(recompute_pool_t *self)
{
    struct recompute_task *task;

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
recompute_pool_fd(const recompute_pool_t *self)
{
    return self->fd;
}
