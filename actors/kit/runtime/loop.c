/* zloop calls a handler with the argument it was registered with. Ours is a `struct handler` of
 * a pool: entries are reused but never freed before the loop, and each call checks that the
 * entry still means what zloop calls it for. So a handler may end any other, itself included,
 * and a stale event of the same turn finds an entry that is not its own.
 *
 * zloop has no hook at the end of a turn: what loop_after was given runs when a handler
 * returns.
 */
#include "actors/kit/runtime/loop.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "actors/kit/runtime/log.h"
#include "actors/kit/util/clock.h"

enum { SPIN_FDS = 64, LUCK_MOST = 16 };

typedef enum { UNUSED, ON_SOCKET, ON_DESCRIPTOR, ON_TIMER } kind_t;

struct handler {
    loop_t *loop;
    kind_t kind;
    bool repeat;
    zsock_t *socket;
    int fd, timer;
    short events; /* of a descriptor */
    loop_fn *fn;
    void *arg;
    struct handler *next; /* of the pool */
};

struct after {
    loop_fn *fn;
    void *arg;
    struct after *next;
};

struct loop {
    zloop_t *zloop;
    struct handler *handlers;
    struct after *afters;
    bool stopped;
    int signals; /* signalfd, -1 if none */
    int signal;  /* the last that came; 0: none */
    bool draining;
    loop_fn *on_drain;
    void *drain_arg;
    int64_t spin_us, turned_us; /* looks again so long; since */
    int luck;                   /* while it is above 0 */
};

static struct handler *
handler_new(loop_t *self, kind_t kind, loop_fn *fn, void *arg)
{
    struct handler *h = self->handlers;

    while (h && h->kind != UNUSED)
        h = h->next;
    if (!h) {
        h = zmalloc(sizeof(*h));
        h->next = self->handlers;
        self->handlers = h;
    }
    h->loop = self;
    h->kind = kind;
    h->fn = fn;
    h->arg = arg;
    return h;
}

loop_t *
loop_new(void)
{
    loop_t *self = zmalloc(sizeof(*self));

    self->zloop = zloop_new();
    zloop_set_nonstop(self->zloop, true); /* signals come by loop_signals */
    self->signals = -1;
    return self;
}

void
loop_destroy(loop_t **self_p)
{
    loop_t *self = *self_p;

    if (!self)
        return;
    zloop_destroy(&self->zloop);
    while (self->handlers) {
        struct handler *h = self->handlers;
        self->handlers = h->next;
        free(h);
    }
    while (self->afters) {
        struct after *after = self->afters;
        self->afters = after->next;
        free(after);
    }
    if (self->signals >= 0)
        close(self->signals);
    free(self);
    *self_p = NULL;
}

static struct pollfd
descriptor_of(const struct handler *h)
{
    bool in = h->events & ZMQ_POLLIN, out = h->events & ZMQ_POLLOUT;

    if (h->kind == ON_SOCKET) /* tells of what comes after the socket was asked */
        return (struct pollfd){.fd = zsock_fd(h->socket), .events = POLLIN};
    return (struct pollfd){.fd = h->fd,
                           .events = (short)((in ? POLLIN : 0) | (out ? POLLOUT : 0))};
}

/* False: something is there already, or there are too many to look at. */
static bool
find_descriptors(const loop_t *self, struct pollfd fds[SPIN_FDS], nfds_t *ret_count)
{
    *ret_count = 0;
    for (const struct handler *h = self->handlers; h; h = h->next) {
        if (h->kind != ON_SOCKET && h->kind != ON_DESCRIPTOR)
            continue;
        if (*ret_count == SPIN_FDS ||
            (h->kind == ON_SOCKET && (zsock_events(h->socket) & ZMQ_POLLIN)))
            return false;
        fds[(*ret_count)++] = descriptor_of(h);
    }
    return true;
}

static void
look_again(const loop_t *self, int64_t until_us)
{
    struct pollfd fds[SPIN_FDS];
    nfds_t count;

    if (!find_descriptors(self, fds, &count))
        return;
    while (poll(fds, count, 0) == 0 && clock_us() < until_us)
        sched_yield();
}

/* Worth it while most waits are as short; one that was longer counts for two. */
static void
learn(loop_t *self, int64_t waited_us)
{
    if (waited_us > self->spin_us)
        self->luck = self->luck > 2 ? self->luck - 2 : 0;
    else if (self->luck < LUCK_MOST)
        self->luck++;
}

void
loop_spin(loop_t *self, int64_t max_us)
{
    self->spin_us = max_us;
}

/* A handler is about to run: how long was the wait? */
static void
begin_turn(loop_t *self)
{
    log_trace(NULL);
    if (self->spin_us)
        learn(self, clock_us() - self->turned_us);
}

/* What zloop is told: -1 ends it. */
static int
end_turn(loop_t *self)
{
    for (struct after *after = self->afters; after; after = after->next)
        after->fn(after->arg);
    if (!self->spin_us || self->stopped)
        return self->stopped ? -1 : 0;
    self->turned_us = clock_us();
    if (self->luck > 0)
        look_again(self, self->turned_us + self->spin_us);
    return 0;
}

static int
on_socket(zloop_t *zloop, zsock_t *socket, void *arg)
{
    struct handler *h = arg;

    (void)zloop;
    if (h->kind != ON_SOCKET || h->socket != socket)
        return 0;
    begin_turn(h->loop);
    h->fn(h->arg);
    return end_turn(h->loop);
}

void
loop_socket(loop_t *self, zsock_t *socket, loop_fn *fn, void *arg)
{
    struct handler *h = handler_new(self, ON_SOCKET, fn, arg);

    h->socket = socket;
    zloop_reader(self->zloop, socket, on_socket, h);
}

void
loop_socket_end(loop_t *self, zsock_t *socket)
{
    for (struct handler *h = self->handlers; h; h = h->next)
        if (h->kind == ON_SOCKET && h->socket == socket) {
            zloop_reader_end(self->zloop, socket);
            h->kind = UNUSED;
        }
}

static int
on_descriptor(zloop_t *zloop, zmq_pollitem_t *item, void *arg)
{
    struct handler *h = arg;

    (void)zloop;
    if (h->kind != ON_DESCRIPTOR || h->fd != item->fd)
        return 0;
    begin_turn(h->loop);
    h->fn(h->arg);
    return end_turn(h->loop);
}

void
loop_fd(loop_t *self, int fd, short events, loop_fn *fn, void *arg)
{
    zmq_pollitem_t item = {.fd = fd, .events = events};
    struct handler *h;

    loop_fd_end(self, fd);
    h = handler_new(self, ON_DESCRIPTOR, fn, arg);
    h->fd = fd;
    h->events = events;
    zloop_poller(self->zloop, &item, on_descriptor, h);
    zloop_poller_set_tolerant(self->zloop, &item); /* errors are the handler's to read */
}

void
loop_fd_end(loop_t *self, int fd)
{
    zmq_pollitem_t item = {.fd = fd};

    for (struct handler *h = self->handlers; h; h = h->next)
        if (h->kind == ON_DESCRIPTOR && h->fd == fd) {
            zloop_poller_end(self->zloop, &item);
            h->kind = UNUSED;
        }
}

static int
on_timer(zloop_t *zloop, int timer, void *arg)
{
    struct handler *h = arg;
    loop_t *loop = h->loop;
    loop_fn *fn = h->fn;
    void *fn_arg = h->arg;

    (void)zloop;
    if (h->kind != ON_TIMER || h->timer != timer)
        return 0;
    if (!h->repeat)
        h->kind = UNUSED;
    log_trace(NULL);
    fn(fn_arg);
    return end_turn(loop);
}

int
loop_timer(loop_t *self, uint32_t delay_ms, bool repeat, loop_fn *fn, void *arg)
{
    struct handler *h = handler_new(self, ON_TIMER, fn, arg);

    h->repeat = repeat;
    h->timer = zloop_timer(self->zloop, delay_ms, repeat ? 0 : 1, on_timer, h);
    return h->timer;
}

void
loop_timer_end(loop_t *self, int timer)
{
    for (struct handler *h = self->handlers; h; h = h->next)
        if (h->kind == ON_TIMER && h->timer == timer) {
            zloop_timer_end(self->zloop, timer);
            h->kind = UNUSED;
        }
}

void
loop_after(loop_t *self, loop_fn *fn, void *arg)
{
    struct after *after = zmalloc(sizeof(*after)), **last = &self->afters;

    while (*last)
        last = &(*last)->next;
    *after = (struct after){.fn = fn, .arg = arg};
    *last = after;
}

static void
on_signal(void *arg)
{
    loop_t *self = arg;
    struct signalfd_siginfo info;

    if (read(self->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return;
    self->signal = (int)info.ssi_signo;
    if (self->draining || !self->on_drain) {
        loop_stop(self);
        return;
    }
    self->draining = true;
    self->on_drain(self->drain_arg);
}

static sigset_t
block_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return set;
}

void
loop_hold_signals(void)
{
    block_signals();
}

void
loop_signals(loop_t *self, loop_fn *on_drain, void *arg)
{
    sigset_t set;

    assert(self->signals < 0);
    set = block_signals();
    self->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (self->signals < 0) { /* no descriptor is left at the very start: nothing would work */
        log_error("loop.no_signals", "errno=%d", errno);
        abort();
    }
    self->on_drain = on_drain;
    self->drain_arg = arg;
    loop_fd(self, self->signals, ZMQ_POLLIN, on_signal, self);
}

int
loop_signal(const loop_t *self)
{
    return self->signal;
}

void
loop_run(loop_t *self)
{
    if (end_turn(self) == 0) /* what was queued before the first event */
        zloop_start(self->zloop);
    self->stopped = false;
}

void
loop_stop(loop_t *self)
{
    self->stopped = true;
}

zloop_t *
loop_zloop(loop_t *self)
{
    return self->zloop;
}
