#include "ops/supervisor/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/kit/util/auto.h"
#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/log.h"
#include "ops/supervisor/announce.h"
#include "ops/supervisor/port_owner.h"
#include "ops/supervisor/status.h"
#include "ops/supervisor/supervisor_inner.h"

#define PROBE_MS        50
#define EARLY_EXITS_MAX 5 /* of a child that was never ready: then starting has failed */

typedef struct supervisor supervisor_t;

static void
set_phase(supervisor_t *self, enum phase next)
{
    static const char *const names[] = {"starting", "running", "stopping"};

    log_info("up.phase", "from=%s to=%s", names[self->phase], names[next]);
    self->phase = next;
}

static struct child *
add_child(supervisor_t *self, enum child_kind kind, const char *name)
{
    struct child *child = &self->children[self->child_count++];

    child_init(child, kind, name);
    return child;
}

static void
add_tunes(supervisor_t *self)
{
    for (int64_t i = 1; i <= self->options->settings->tune_workers && i <= 256; i++) {
        char name[24];

        snprintf(name, sizeof name, "tune-%d", (int)i);
        add_child(self, CHILD_TUNE, name);
    }
}

static void
add_children(supervisor_t *self)
{
    if (self->cluster && !cluster_is_made(self->cluster))
        add_child(self, CHILD_INITDB, NULL);
    if (self->cluster)
        add_child(self, CHILD_POSTGRES, NULL);
    add_child(self, CHILD_MIGRATE, NULL);
    for (int kind = CHILD_SERVICE; kind < CHILD_KIND_COUNT; kind++) {
        if (kind == CHILD_TUNE)
            add_tunes(self);
        else
            add_child(self, (enum child_kind)kind, NULL);
    }
}

/* ---- what is running, for others -------------------------------------------------------- */

static json_t *
describe(const supervisor_t *self, const char *url)
{
    tm_auto(tm_text) http = NULL;

    if (asprintf(&http, "http://%s", self->http_listen) < 0)
        abort();
    return json_pack("{s:s, s:s, s:s}", "http", http, "broker", self->brokers, "database",
                     url ? url : "");
}

static json_t *
describe_children(const supervisor_t *self)
{
    json_t *children = json_array();

    for (size_t i = 0; i < self->child_count; i++) {
        const struct child *child = &self->children[i];

        json_array_append_new(children,
                              json_pack("{s:s, s:i, s:s, s:i}", "name", child->name, "pid",
                                        (int)child->pid, "state", child_state_name(child),
                                        "restarts", (int)child->restarts));
    }
    return children;
}

/* Once per change, not once per turn. */
static void
write_status(supervisor_t *self)
{
    tm_auto(json) status = describe(self, self->url);

    json_object_set_new(status, "pid", json_integer(getpid()));
    json_object_set_new(status, "data_dir", json_string(self->paths.data_dir));
    json_object_set_new(status, "ready", json_boolean(self->phase == PHASE_RUNNING));
    json_object_set_new(status, "children", describe_children(self));
    if (self->status && json_equal(status, self->status))
        return;
    if (status_write(self->paths.data_dir, status))
        log_error("up.status", "errno=%d file=up.json", errno);
    json_destroy(&self->status);
    self->status = status;
    status = NULL;
}

static void
announce(supervisor_t *self)
{
    tm_auto(tm_text) url = status_safe_url(self->url);
    tm_auto(json) line = json_object();
    tm_auto(json) what = describe(self, url);
    tm_auto(tm_text) text = NULL;

    set_phase(self, PHASE_RUNNING);
    json_object_set_new(line, "ready", json_true());
    json_object_update(line, what);
    if (isatty(STDOUT_FILENO)) {
        announce_in_words(stdout, self->options->settings, line, self->paths.data_dir);
    } else {
        text = json_dumps(line, JSON_PRESERVE_ORDER);
        printf("%s\n", text ? text : "{}");
    }
    fflush(stdout);
}

/* ---- starting and stopping -------------------------------------------------------------- */

/* Every child below this stage has once been ready. */
static bool
may_start(const supervisor_t *self, const struct child *child)
{
    for (size_t i = 0; i < self->child_count; i++) {
        const struct child *other = &self->children[i];

        if (other->type->stage < child->type->stage && !other->was_ready)
            return false;
    }
    return true;
}

static bool
all_ready(const supervisor_t *self)
{
    for (size_t i = 0; i < self->child_count; i++)
        if (!self->children[i].was_ready)
            return false;
    return true;
}

static void
start_due(supervisor_t *self, int64_t now_ms)
{
    for (size_t i = 0; i < self->child_count; i++) {
        struct child *child = &self->children[i];
        bool is_due = child->state == CHILD_IDLE_STATE ||
                      (child->state == CHILD_PAUSED_STATE && now_ms >= child->due_ms);

        if (is_due && may_start(self, child))
            launch(self, child, now_ms);
    }
}

/* Stops the highest stage that still has someone; the lower ones wait for it. */
static void
stop_next(supervisor_t *self, int64_t now_ms)
{
    int stage = -1;

    for (size_t i = 0; i < self->child_count; i++) {
        const struct child *child = &self->children[i];

        if (!child_is_over(child) && child->type->stage > stage)
            stage = child->type->stage;
    }
    for (size_t i = 0; i < self->child_count; i++) {
        struct child *child = &self->children[i];

        if (child->type->stage == stage && child->state != CHILD_STOPPING_STATE)
            child_stop(child, now_ms);
    }
}

static bool
all_over(const supervisor_t *self)
{
    for (size_t i = 0; i < self->child_count; i++)
        if (!child_is_over(&self->children[i]))
            return false;
    return true;
}

static void
give_up(supervisor_t *self, const struct child *child)
{
    snprintf(self->detail, self->detail_size,
             "%s ended %u times before it was ready; what it said is above", child->name,
             child->early_exits);
    self->has_failed = true;
    set_phase(self, PHASE_STOPPING);
}

/* ---- what happens ----------------------------------------------------------------------- */

static void
on_exit_of(supervisor_t *self, struct child *child, int status, int64_t now_ms)
{
    child_on_exit(child, status, now_ms);
    if (child->kind == CHILD_INITDB && child->state == CHILD_DONE_STATE &&
        cluster_adopt(self->cluster)) {
        log_error("cluster.adopt", "errno=%d", errno);
        child->was_ready = false;
        child_pause(child, now_ms);
    }
    if (self->phase == PHASE_STARTING && child->early_exits >= EARLY_EXITS_MAX)
        give_up(self, child);
}

/* Also takes in what our children left behind: we are their subreaper. */
static void
reap(supervisor_t *self, int64_t now_ms)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (size_t i = 0; i < self->child_count; i++)
            if (self->children[i].pid == pid)
                on_exit_of(self, &self->children[i], status, now_ms);
}

static void
on_stop_signal(supervisor_t *self, int64_t now_ms)
{
    if (self->phase != PHASE_STOPPING) {
        set_phase(self, PHASE_STOPPING);
        return;
    }
    for (size_t i = 0; i < self->child_count; i++)
        if (self->children[i].state == CHILD_STOPPING_STATE)
            child_stop(&self->children[i], now_ms);
}

static void
read_signals(supervisor_t *self, int64_t now_ms)
{
    struct signalfd_siginfo info;

    while (read(self->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
        if (info.ssi_signo != SIGCHLD)
            on_stop_signal(self, now_ms);
    reap(self, now_ms);
}

static void
probe(supervisor_t *self)
{
    for (size_t i = 0; i < self->child_count; i++) {
        struct child *child = &self->children[i];

        if (child->type->readiness == BY_PROBE && child->state == CHILD_STARTING_STATE &&
            cluster_is_ready(self->cluster))
            child_set_ready(child);
    }
}

/* ---- the loop --------------------------------------------------------------------------- */

static int
next_timeout(const supervisor_t *self, int64_t now_ms)
{
    int64_t timeout = 1000;

    for (size_t i = 0; i < self->child_count; i++) {
        const struct child *child = &self->children[i];
        bool has_due =
            child->state == CHILD_PAUSED_STATE || child->state == CHILD_STOPPING_STATE;

        if (has_due && child->due_ms - now_ms < timeout)
            timeout = child->due_ms - now_ms;
        if (child->type->readiness == BY_PROBE && child->state == CHILD_STARTING_STATE &&
            timeout > PROBE_MS)
            timeout = PROBE_MS;
    }
    return timeout > 0 ? (int)timeout : 0;
}

static void
wait_for_something(supervisor_t *self)
{
    struct pollfd polled[CHILDREN_MAX + 1] = {{.fd = self->signal_fd, .events = POLLIN}};

    for (size_t i = 0; i < self->child_count; i++)
        polled[i + 1] = (struct pollfd){.fd = self->children[i].ready_fd, .events = POLLIN};
    if (poll(polled, (nfds_t)self->child_count + 1, next_timeout(self, clock_ms())) < 0)
        return; /* EINTR: nothing is lost */
    for (size_t i = 0; i < self->child_count; i++) {
        struct child *child = &self->children[i];

        if (polled[i + 1].revents && child_read_line(child) && child->kind == CHILD_HTTP)
            snprintf(self->http_listen, sizeof self->http_listen, "%s",
                     child->line); /* the same port again after a restart */
    }
    read_signals(self, clock_ms());
}

static void
turn(supervisor_t *self)
{
    int64_t now_ms = clock_ms();

    if (self->phase == PHASE_STOPPING) {
        stop_next(self, now_ms);
        for (size_t i = 0; i < self->child_count; i++)
            child_tick(&self->children[i], now_ms);
    } else {
        probe(self);
        start_due(self, now_ms);
        if (self->phase == PHASE_STARTING && all_ready(self))
            announce(self);
    }
}

static void
run(supervisor_t *self)
{
    while (self->phase != PHASE_STOPPING || !all_over(self)) {
        turn(self);
        write_status(self);
        wait_for_something(self);
    }
    while (waitpid(-1, NULL, 0) > 0) /* orphans: backends that outlived a killed postmaster */
        continue;
}

/* ---- before and after ------------------------------------------------------------------- */

static bool
open_signals(supervisor_t *self)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return false;
    self->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return self->signal_fd >= 0 && prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
}

/* The endpoints: those of the settings, but for the shipped defaults, which name a directory
 * that may be another here. */
static tm_err_t
place_broker(supervisor_t *self)
{
    const settings_t *settings = self->options->settings;
    settings_t *defaults = settings_new();
    bool is_default = strcmp(settings->broker_listen, defaults->broker_listen) == 0;

    settings_destroy(&defaults);
    if (is_default) {
        snprintf(self->broker_listen, sizeof self->broker_listen, "ipc://%.900s/broker.sock",
                 self->paths.run_dir);
        memcpy(self->brokers, self->broker_listen, sizeof self->broker_listen);
    } else {
        snprintf(self->broker_listen, sizeof self->broker_listen, "%s",
                 settings->broker_listen);
        snprintf(self->brokers, sizeof self->brokers, "%s", settings->broker_brokers);
    }
    snprintf(self->http_listen, sizeof self->http_listen, "%s", settings->http_listen);
    return TM_OK;
}

static tm_err_t
place_database(supervisor_t *self)
{
    const char *url = self->options->settings->database_url;

    if (!url[0]) {
        self->cluster =
            cluster_new(&self->paths, &self->database_user, self->detail, self->detail_size);
        if (!self->cluster)
            return TM_BAD_SETTING;
        url = cluster_url(self->cluster);
    }
    snprintf(self->url, sizeof self->url, "%s", url);
    return setenv("DATABASE_URL", self->url, 1) == 0 ? TM_OK : TM_INTERNAL;
}

static tm_err_t
prepare(supervisor_t *self)
{
    const settings_t *settings = self->options->settings;
    bool is_private = !settings->database_url[0];
    tm_err_t err;

    if (is_private && !process_user_of_database(&self->database_user)) {
        snprintf(self->detail, self->detail_size,
                 "PostgreSQL does not run as root, and there is no user postgres or nobody");
        return TM_BAD_SETTING;
    }
    err = paths_open(&self->paths, settings->system_data_dir, is_private, &self->database_user,
                     self->detail, self->detail_size);
    if (err)
        return err;
    if (!port_is_free(settings->http_listen, self->detail, self->detail_size))
        return TM_BAD_SETTING;
    err = settings_hand_on(settings);
    if (!err)
        err = place_database(self);
    if (!err)
        err = place_broker(self);
    if (!err && !open_signals(self)) {
        snprintf(self->detail, self->detail_size, "cannot receive signals: %s",
                 strerror(errno));
        err = TM_INTERNAL;
    }
    return err;
}

tm_err_t
supervisor_run(const struct supervisor_options *options, char *detail, size_t size)
{
    supervisor_t *self = calloc(1, sizeof *self);
    tm_err_t err;

    if (!self)
        return TM_NO_MEMORY;
    self->options = options;
    self->detail = detail;
    self->detail_size = size;
    self->signal_fd = -1;
    self->paths.lock_fd = -1;
    err = prepare(self);
    if (!err) {
        add_children(self);
        run(self);
        err = self->has_failed ? TM_INTERNAL : TM_OK;
    }
    for (size_t i = 0; i < self->child_count; i++)
        child_fini(&self->children[i]);
    if (self->signal_fd >= 0)
        close(self->signal_fd);
    cluster_destroy(&self->cluster);
    json_destroy(&self->status);
    paths_close(&self->paths);
    free(self);
    return err;
}
