#include "tests/chaos/site.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/peak.h"

enum { TICK_MS = 10, SAMPLE_MS = 500, SUPERSEDED = 1 };

static const char *const role_names[ROLE_COUNT] = {"wire", "broker", "worker", "producer",
                                                   "stranger"};

/* --- what a process is started with ------------------------------------------------------- */

static void
preload(const struct site *self, const char *control)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", self->directory, control);
    setenv("TM_CHAOS_LIBC", path, 1);
    snprintf(path, sizeof(path), "%s/faulty_libc.so", self->directory);
    setenv("LD_PRELOAD", path, 1);
}

static void
unload(void)
{
    unsetenv("LD_PRELOAD");
    unsetenv("TM_CHAOS_LIBC");
}

static void
become_broker(const struct site *self, unsigned index)
{
    char listen[256], database[300];
    const char *target = chaos_link(self->shared, LINK_WORKERS, index)->target;

    snprintf(listen, sizeof(listen), "--set=broker.listen=ipc://%s", target);
    snprintf(database, sizeof(database), "host=%s/database-%u %s", self->directory, index,
             strstr(self->url, "user="));
    setenv("DATABASE_URL", database, 1);
    execl(TUNEMILL, "tunemill", "broker", listen, "--set=broker.lease_ms=1500",
          "--set=broker.takeover_ms=1500", "--set=broker.ping_ms=300",
          "--set=broker.retry_base_ms=20", "--set=broker.retry_max_ms=200",
          "--set=database.max_backoff_ms=200", "--set=database.connect_timeout_ms=2000",
          (char *)NULL);
}

static void
become(const struct site *self, const struct process *process)
{
    char log[128], index[16];
    int fd;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    snprintf(log, sizeof(log), "%s/%s-%u.log", self->directory, role_names[process->role],
             process->index);
    fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (fd >= 0)
        dup2(fd, STDERR_FILENO);
    if (!CHAOS_SANITIZED)
        preload(self, "clock");
    snprintf(index, sizeof(index), "%u", process->index);
    if (process->role == ROLE_BROKER)
        become_broker(self, process->index);
    else
        execl(self->program, "chaos", role_names[process->role], self->directory, index,
              (char *)NULL);
    _exit(127);
}

static void
start(struct site *self, struct process *process)
{
    process->starts++;
    process->is_expected = process->has_finished = false;
    process->pid = fork();
    if (process->pid == 0)
        become(self, process);
    if (process->pid < 0)
        abort();
}

static void
add(struct site *self, enum role role, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct process *process = &self->processes[self->count++];
        *process = (struct process){.role = role, .index = i, .is_wanted = true};
        start(self, process);
    }
}

/* --- the run's directory ------------------------------------------------------------------ */

static void
copy_library(const struct site *self)
{
    char path[128], data[65536];
    int from = open(CHAOS_LIBC, O_RDONLY | O_CLOEXEC), to;
    ssize_t size;

    snprintf(path, sizeof(path), "%s/faulty_libc.so", self->directory);
    to = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    while (from >= 0 && to >= 0 && (size = read(from, data, sizeof(data))) > 0)
        if (write(to, data, (size_t)size) != size)
            abort();
    if (from < 0 || to < 0)
        abort();
    close(from);
    close(to);
}

static void
append_endpoint(char *list, size_t size, const char *path)
{
    size_t used = strlen(list);

    snprintf(list + used, size - used, "%sipc://%s", used ? "," : "", path);
}

static void
lay_peer_links(struct site *self, unsigned broker)
{
    static const char *const names[] = {"workers", "producers"};
    char *lists[] = {self->shared->worker_endpoints, self->shared->producer_endpoints};

    for (unsigned kind = LINK_WORKERS; kind <= LINK_PRODUCERS; kind++) {
        struct link *link = chaos_link(self->shared, kind, broker);
        snprintf(link->door, sizeof(link->door), "%s/%s-%u", self->directory, names[kind],
                 broker);
        snprintf(link->target, sizeof(link->target), "%s/broker-%u", self->directory, broker);
        append_endpoint(lists[kind], sizeof(self->shared->worker_endpoints), link->door);
    }
}

static void
lay_database_link(struct site *self, unsigned user, const char *socket_directory)
{
    struct link *link = chaos_link(self->shared, LINK_DATABASE, user);
    char path[128];

    snprintf(path, sizeof(path), "%s/database-%u", self->directory, user);
    if (mkdir(path, 0755) != 0)
        abort();
    snprintf(link->door, sizeof(link->door), "%.100s/.s.PGSQL.5432", path);
    snprintf(link->target, sizeof(link->target), "%.100s/.s.PGSQL.5432", socket_directory);
}

static void
lay_links(struct site *self)
{
    char socket_directory[128] = "";

    sscanf(self->url, "host=%127s", socket_directory);
    for (unsigned i = 0; i < self->shared->brokers; i++) {
        lay_peer_links(self, i);
        lay_database_link(self, i, socket_directory);
    }
    lay_database_link(self, BROKERS_LIMIT, socket_directory);
    snprintf(self->shared->worker_database, sizeof(self->shared->worker_database),
             "host=%s/database-%u %s", self->directory, BROKERS_LIMIT,
             strstr(self->url, "user="));
    snprintf(self->shared->database, sizeof(self->shared->database), "%s", self->url);
}

static void
await_doors(struct site *self)
{
    for (unsigned i = 0; i < LINKS; i++)
        while (self->shared->links[i].door[0] && access(self->shared->links[i].door, F_OK) != 0)
            site_pause(self, TICK_MS);
}

/* The server runs with the slow disk's library from its second start on. */
void
site_start(struct site *self, pg_fixture_t *fixture, const char *program)
{
    self->program = program;
    self->fixture = fixture;
    self->url = pg_fixture_database(fixture);
    copy_library(self);
    self->disk = chaos_map(self->directory, "disk", sizeof(struct faulty), true);
    self->clock = chaos_map(self->directory, "clock", sizeof(struct faulty), true);
    pg_fixture_stop(fixture, SIGINT);
    preload(self, "disk");
    pg_fixture_start(fixture);
    unload();
    lay_links(self);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    add(self, ROLE_WIRE, 1);
    await_doors(self);
    add(self, ROLE_BROKER, self->shared->brokers);
}

void
site_load(struct site *self)
{
    add(self, ROLE_WORKER, self->shared->workers);
    add(self, ROLE_PRODUCER, self->shared->producers);
}

/* --- watching ----------------------------------------------------------------------------- */

static void
sample(struct site *self, const struct process *process)
{
    long kb = process->role == ROLE_BROKER && process->pid ? peak_kb(process->pid) : 0;

    if (kb > self->broker_kb)
        self->broker_kb = kb;
}

static void
judge_end(struct site *self, struct process *process, int status)
{
    bool is_good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    bool is_superseded =
        process->role == ROLE_BROKER && WIFEXITED(status) && WEXITSTATUS(status) == SUPERSEDED;

    process->has_finished = is_good && process->role == ROLE_PRODUCER;
    if (process->role == ROLE_WORKER && self->crashes < atomic_load(&self->shared->crashes)) {
        self->crashes++; /* its job was made to do that */
        return;
    }
    if (process->is_expected || is_good)
        return;
    if (is_superseded) {
        self->superseded++;
        return;
    }
    self->unexplained++;
    fprintf(stderr, "chaos: %s %u ended by itself: %s %d\n", role_names[process->role],
            process->index, WIFSIGNALED(status) ? "signal" : "status",
            WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static void
look_at(struct site *self, struct process *process)
{
    int status;

    if (process->pid && waitpid(process->pid, &status, WNOHANG) == process->pid) {
        process->pid = 0;
        judge_end(self, process, status);
    }
    if (!process->pid && process->is_wanted && !process->has_finished)
        start(self, process);
}

void
site_tick(struct site *self)
{
    bool is_time = chaos_ms() >= self->sampled_ms + SAMPLE_MS;

    for (size_t i = 0; i < self->count; i++) {
        if (is_time)
            sample(self, &self->processes[i]);
        look_at(self, &self->processes[i]);
    }
    if (is_time)
        self->sampled_ms = chaos_ms();
}

void
site_pause(struct site *self, int64_t ms)
{
    struct timespec span = {.tv_nsec = TICK_MS * 1000000L};
    int64_t end_ms = chaos_ms() + ms;

    do {
        site_tick(self);
        nanosleep(&span, NULL);
    } while (chaos_ms() < end_ms);
}

size_t
site_running(const struct site *self, enum role role)
{
    size_t count = 0;

    for (size_t i = 0; i < self->count; i++)
        count += self->processes[i].role == role && self->processes[i].pid;
    return count;
}

struct process *
site_process(struct site *self, enum role role, unsigned index)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->processes[i].role == role && self->processes[i].index == index)
            return &self->processes[i];
    abort();
}

void
site_kill(struct site *self, struct process *process, int signal_number)
{
    sample(self, process);
    process->is_expected |= signal_number == SIGKILL || signal_number == SIGTERM;
    if (process->pid)
        kill(process->pid, signal_number);
}

void
site_kill_all(struct site *self, enum role role, int signal_number)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->processes[i].role == role)
            site_kill(self, &self->processes[i], signal_number);
}

void
site_begin_stranger(struct site *self, unsigned index)
{
    struct process *process = &self->processes[self->count];

    if (self->count > 0 && self->processes[self->count - 1].role == ROLE_STRANGER)
        process--; /* there was one before */
    else
        self->count++;
    *process = (struct process){.role = ROLE_STRANGER, .index = index, .is_wanted = false};
    start(self, process);
}

/* --- the end ------------------------------------------------------------------------------ */

static bool
await_none(struct site *self, enum role role, int64_t patience_ms)
{
    int64_t end_ms = chaos_ms() + patience_ms;

    while (site_running(self, role) > 0 && chaos_ms() < end_ms)
        site_pause(self, TICK_MS);
    return site_running(self, role) == 0;
}

bool
site_await_producers(struct site *self, int64_t patience_ms)
{
    return await_none(self, ROLE_PRODUCER, patience_ms);
}

static bool
stop_role(struct site *self, enum role role, int signal_number, int64_t patience_ms)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->processes[i].role == role)
            self->processes[i].is_wanted = false;
    site_kill_all(self, role, signal_number);
    if (await_none(self, role, patience_ms))
        return true;
    fprintf(stderr, "chaos: a %s did not end in time\n", role_names[role]);
    site_kill_all(self, role, SIGKILL);
    await_none(self, role, patience_ms);
    return false;
}

bool
site_stop(struct site *self, int64_t patience_ms)
{
    bool is_ok = stop_role(self, ROLE_PRODUCER, SIGKILL, patience_ms);

    is_ok = stop_role(self, ROLE_STRANGER, SIGKILL, patience_ms) && is_ok;
    is_ok = stop_role(self, ROLE_WORKER, SIGTERM, patience_ms) && is_ok;
    is_ok = stop_role(self, ROLE_BROKER, SIGTERM, patience_ms) && is_ok;
    return stop_role(self, ROLE_WIRE, SIGKILL, patience_ms) && is_ok;
}

static int
remove_entry(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    return remove(path);
}

void
site_remove(struct site *self)
{
    nftw(self->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
