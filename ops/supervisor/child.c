#include "ops/supervisor/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/kit/runtime/log.h"

static const struct child_type types[] = {
#define CHILD(KIND, name, stage, how, stop, hurry) \
    [CHILD_##KIND] = {name, stage, how, stop, hurry},
    CHILDREN(CHILD)
#undef CHILD
#define SERVICE(KIND, name, command, given, stage, how, help, notes) \
    [CHILD_##KIND] = {#name, stage, how, SIGTERM, SIGKILL},
        SERVICES(SERVICE)
#undef SERVICE
};

const char *
child_state_name(const struct child *self)
{
    static const char *const names[] = {
#define STATE(NAME, word) [CHILD_##NAME##_STATE] = word,
        CHILD_STATES(STATE)
#undef STATE
    };
    return names[self->state];
}

static void
set_state(struct child *self, enum child_state next)
{
    const char *before = child_state_name(self);

    self->state = next;
    log_info("child.state", "name=%s pid=%d from=%s to=%s", self->name, (int)self->pid, before,
             child_state_name(self));
}

void
child_init(struct child *self, enum child_kind kind, const char *name)
{
    memset(self, 0, sizeof *self);
    self->kind = kind;
    self->type = &types[kind];
    self->ready_fd = -1;
    self->pause_ms = CHILD_PAUSE_MS;
    snprintf(self->name, sizeof self->name, "%s", name ? name : self->type->name);
}

static void
close_pipe(struct child *self)
{
    if (self->ready_fd >= 0)
        close(self->ready_fd);
    self->ready_fd = -1;
}

void
child_fini(struct child *self)
{
    close_pipe(self);
}

int
child_open_pipe(struct child *self)
{
    int ends[2];

    close_pipe(self);
    self->line_size = 0;
    if (self->type->readiness != BY_LINE || pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return -1;
    self->ready_fd = ends[0];
    return ends[1];
}

void
child_start(struct child *self, const struct process_options *options, int64_t now_ms)
{
    self->pid = process_start(options);
    if (self->pid < 0) {
        log_error("child.fork", "name=%s errno=%d", self->name, errno);
        self->pid = 0;
        child_pause(self, now_ms);
        return;
    }
    self->started_ms = now_ms;
    set_state(self, CHILD_STARTING_STATE);
    if (self->type->readiness == BY_START)
        child_set_ready(self);
}

void
child_set_ready(struct child *self)
{
    self->was_ready = true;
    set_state(self, CHILD_READY_STATE);
}

bool
child_read_line(struct child *self)
{
    char *end;
    ssize_t got = read(self->ready_fd, self->line + self->line_size,
                       sizeof self->line - 1 - self->line_size);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (got > 0)
        self->line_size += (size_t)got;
    self->line[self->line_size] = '\0';
    end = strchr(self->line, '\n');
    if (!end && got > 0 && self->line_size + 1 < sizeof self->line)
        return false;
    close_pipe(self);
    if (!end)
        return false;
    *end = '\0';
    if (self->state == CHILD_STARTING_STATE)
        child_set_ready(self);
    return self->state == CHILD_READY_STATE;
}

void
child_pause(struct child *self, int64_t now_ms)
{
    self->due_ms = now_ms + self->pause_ms;
    self->pause_ms =
        self->pause_ms * 2 < CHILD_PAUSE_MAX ? self->pause_ms * 2 : CHILD_PAUSE_MAX;
    set_state(self, CHILD_PAUSED_STATE);
}

void
child_on_exit(struct child *self, int status, int64_t now_ms)
{
    bool is_once = self->type->readiness == BY_EXIT;

    log_info("child.exit", "name=%s pid=%d code=%d signal=%d", self->name, (int)self->pid,
             WIFEXITED(status) ? WEXITSTATUS(status) : -1,
             WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    self->pid = 0;
    close_pipe(self);
    if (self->state == CHILD_STOPPING_STATE) {
        set_state(self, CHILD_STOPPED_STATE);
    } else if (is_once && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        self->was_ready = true;
        set_state(self, CHILD_DONE_STATE);
    } else {
        if (now_ms - self->started_ms >= CHILD_FORGIVE_MS)
            self->pause_ms = CHILD_PAUSE_MS;
        self->early_exits += !self->was_ready;
        self->restarts++;
        child_pause(self, now_ms);
    }
}

/* The group too, at the last: what the process itself has started. */
static void
send_signal(const struct child *self)
{
    if (self->hurries == 0)
        kill(self->pid, self->type->stop_signal);
    else if (self->hurries == 1)
        kill(self->pid, self->type->hurry_signal);
    else
        kill(-self->pid, SIGKILL);
}

void
child_stop(struct child *self, int64_t now_ms)
{
    if (self->pid == 0) {
        if (!child_is_over(self))
            set_state(self, CHILD_STOPPED_STATE);
        return;
    }
    if (self->state == CHILD_STOPPING_STATE) {
        self->hurries++;
        log_warn("child.hurry", "name=%s pid=%d times=%d", self->name, (int)self->pid,
                 self->hurries);
    } else {
        set_state(self, CHILD_STOPPING_STATE);
    }
    self->due_ms = now_ms + CHILD_HURRY_MS;
    send_signal(self);
}

void
child_tick(struct child *self, int64_t now_ms)
{
    if (self->state == CHILD_STOPPING_STATE && now_ms >= self->due_ms)
        child_stop(self, now_ms);
}

bool
child_is_over(const struct child *self)
{
    return self->state == CHILD_DONE_STATE || self->state == CHILD_STOPPED_STATE;
}
