#include "actors/kit/runtime/confined.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/kit/runtime/log.h"

struct confined {
    loop_t *loop;
    confined_fn *fn;
    void *arg;
    pid_t pid;    /* 0: there is none, or none any more */
    int end;      /* readable once it has ended; -1: none */
    int output;   /* -1: none */
    int timer;    /* 0: none */
    tm_err_t err; /* why it was killed */
    char *text;
    size_t size, max;
};

/* --- in the child: what may be called between fork and exec ---------------------------------
 */

static bool
limit(int what, rlim_t most)
{
    return setrlimit((__rlimit_resource_t)what, &(struct rlimit){most, most}) == 0;
}

__attribute__((noreturn)) static void
become_program(const struct confined_spec *spec, int output, pid_t parent)
{
    static char *const nothing[] = {NULL};
    const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    sigset_t none;
    const bool is_ready =
        null >= 0 && dup2(spec->input, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 &&
        dup2(null, STDERR_FILENO) >= 0 && close_range(STDERR_FILENO + 1, ~0U, 0) == 0 &&
        limit(RLIMIT_CORE, 0) && limit(RLIMIT_FSIZE, 0) &&
        limit(RLIMIT_CPU, spec->deadline_ms / 1000 + 1) && sigemptyset(&none) == 0 &&
        sigprocmask(SIG_SETMASK, &none, NULL) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 &&
        getppid() == parent;

    if (is_ready)
        execve(spec->argv[0], (char *const *)(uintptr_t)spec->argv, nothing);
    _exit(127);
}

/* --- its end ------------------------------------------------------------------------------ */

static void
close_all(confined_t *self)
{
    if (self->timer)
        loop_timer_end(self->loop, self->timer);
    if (self->end >= 0) {
        loop_fd_end(self->loop, self->end);
        close(self->end);
    }
    if (self->output >= 0) {
        loop_fd_end(self->loop, self->output);
        close(self->output);
    }
    self->timer = 0;
    self->end = self->output = -1;
}

static void
kill_program(confined_t *self, tm_err_t err)
{
    if (!self->err)
        self->err = err;
    if (self->pid)
        kill(self->pid, SIGKILL);
}

/* More than it may say ends it; what it said until then is of no use. */
static void
read_output(void *arg)
{
    confined_t *self = arg;
    ssize_t got;

    while (self->output >= 0) {
        const size_t room = self->max + 1 - self->size;

        got = room ? read(self->output, self->text + self->size, room) : -1;
        if (got < 0 && room && errno == EINTR)
            continue;
        if (got < 0 && room && errno == EAGAIN)
            return;
        if (got > 0) {
            self->size += (size_t)got;
            continue;
        }
        loop_fd_end(self->loop, self->output);
        close(self->output);
        self->output = -1;
    }
    if (self->size > self->max)
        kill_program(self, TM_TOO_LARGE);
}

static void
on_end(void *arg)
{
    confined_t *self = arg;
    int status = 0;

    while (waitpid(self->pid, &status, 0) < 0 && errno == EINTR)
        ;
    self->pid = 0;
    read_output(self);
    close_all(self);
    if (!self->err && !WIFEXITED(status))
        self->err = TM_INTERNAL;
    self->text[self->size] = '\0';
    self->fn(self->arg, self->err, WIFEXITED(status) ? WEXITSTATUS(status) : -1,
             self->err ? tm_str("") : (tm_str_t){self->text, self->size});
}

static void
on_deadline(void *arg)
{
    confined_t *self = arg;

    self->timer = 0;
    kill_program(self, TM_TIMEOUT);
}

/* --- public ------------------------------------------------------------------------------- */

static bool
start(confined_t *self, const struct confined_spec *spec)
{
    const pid_t parent = getpid();
    int ends[2];

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return false;
    self->output = ends[0];
    fcntl(ends[1], F_SETFL, 0); /* the child waits until it is read */
    self->pid = fork();
    if (self->pid == 0)
        become_program(spec, ends[1], parent);
    close(ends[1]);
    if (self->pid < 0)
        self->pid = 0;
    self->end = self->pid ? pidfd_open(self->pid, 0) : -1;
    return self->end >= 0;
}

confined_t *
confined_new(loop_t *loop, const struct confined_spec *spec, confined_fn *fn, void *arg)
{
    confined_t *self = zmalloc(sizeof(*self));

    *self = (confined_t){.loop = loop,
                         .fn = fn,
                         .arg = arg,
                         .end = -1,
                         .output = -1,
                         .max = spec->max_output,
                         .text = malloc(spec->max_output + 2)};
    if (!self->text || !start(self, spec)) {
        log_error("confined.start_failed", "program=%s errno=%d", spec->argv[0], errno);
        confined_destroy(&self);
        return NULL;
    }
    loop_fd(loop, self->output, ZMQ_POLLIN, read_output, self);
    loop_fd(loop, self->end, ZMQ_POLLIN, on_end, self);
    self->timer = loop_timer(loop, spec->deadline_ms, false, on_deadline, self);
    return self;
}

void
confined_destroy(confined_t **self_p)
{
    confined_t *self = *self_p;

    if (!self)
        return;
    kill_program(self, TM_CANCELED);
    if (self->pid)
        while (waitpid(self->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    close_all(self);
    free(self->text);
    free(self);
    *self_p = NULL;
}
