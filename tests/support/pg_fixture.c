#include "tests/support/pg_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <poll.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "migrations/migrate.h"
#include "tests/support/kept.h"
#include "tests/support/patience.h"
#include "tests/support/pg_cluster.h"
#include "tests/support/pids.h"
#include "tests/support/scratch.h"

#define TEMPLATE "tunemill_template"
#define BACKENDS 256
#define SETTINGS 8

struct pg_fixture {
    char bin[512];  /* where initdb and postgres are */
    char root[128]; /* ours; data, log and socket are in it */
    const char *superuser;
    pid_t maker; /* whose main made it */
    unsigned databases;
    const char *const *settings; /* of the server, or NULL */
};

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("pg_fixture: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(EXIT_FAILURE);
}

/* In a child: output goes to the log. */
static void
open_log(const pg_fixture_t *self)
{
    char log[160];
    int fd;

    snprintf(log, sizeof(log), "%s/log", self->root);
    fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0 || chdir(self->root) != 0)
        _exit(126);
    close(fd);
}

/* The end of it. */
static void
show_log(const pg_fixture_t *self)
{
    char path[160], line[512];
    FILE *file;

    snprintf(path, sizeof(path), "%s/log", self->root);
    file = fopen(path, "re");
    if (file && fseek(file, -4000, SEEK_END) != 0)
        rewind(file);
    while (file && fgets(line, sizeof(line), file))
        fputs(line, stderr);
    if (file)
        fclose(file);
}

static void
make_cluster(const pg_fixture_t *self)
{
    char data[160];
    int status;
    pid_t pid;

    snprintf(data, sizeof(data), "%s/data", self->root);
    pid = fork();
    if (pid == 0) {
        open_log(self);
        pg_cluster_init(self->bin, data, self->superuser);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
        show_log(self);
        die("initdb failed in %s", self->root);
    }
}

/* The postmaster's process id, 0 if it left none. */
static pid_t
postmaster(const pg_fixture_t *self)
{
    char path[160];
    pid_t pid;

    snprintf(path, sizeof(path), "%s/data/postmaster.pid", self->root);
    return pids_read(path, &pid, 1) ? pid : 0;
}

bool
pg_fixture_is_alive(const pg_fixture_t *self)
{
    return pid_is_running(postmaster(self));
}

static char *
url_of(const pg_fixture_t *self, const char *database)
{
    char *url;

    if (asprintf(&url, "host=%s user=%s dbname=%s", self->root, self->superuser, database) < 0)
        die("out of memory");
    return url;
}

static int
remove_entry(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    return remove(path);
}

static void
remove_files(const pg_fixture_t *self)
{
    nftw(self->root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* The server's parent, in a session of its own: waits for it, so that it leaves no zombie, and
 * ends it when the process that made the fixture is gone, however that went. */
static void __attribute__((noreturn)) keep(const pg_fixture_t *self, char *const *argv)
{
    struct pollfd ends[2] = {{.events = POLLIN}, {.events = POLLIN}};
    pid_t server;

    setsid();
    open_log(self);
    ends[0].fd = pidfd_open(self->maker, 0);
    server = fork();
    if (server == 0)
        pg_cluster_become(argv);
    ends[1].fd = server < 0 ? -1 : pidfd_open(server, 0);
    if (ends[0].fd < 0 || ends[1].fd < 0)
        _exit(126);
    while (poll(ends, 2, -1) < 0 && errno == EINTR)
        ;
    if (ends[0].revents) {
        kill(server, SIGQUIT);
        kill(server, SIGCONT); /* a test may have stopped it */
        waitpid(server, NULL, 0);
        remove_files(self);
    }
    waitpid(server, NULL, WNOHANG);
    _exit(0);
}

static void
wait_ready(const pg_fixture_t *self, pid_t pid)
{
    char *url = url_of(self, "postgres");

    for (int waited = 0; PQping(url) != PQPING_OK; waited += 10) {
        if (waited > PATIENCE_MS || !pid_is_running(pid)) {
            show_log(self);
            die("the server did not start in %s", self->root);
        }
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    free(url);
}

void
pg_fixture_start(pg_fixture_t *self)
{
    char program[600], data[160];
    char dash_c[] = "-c", *texts[SETTINGS] = {NULL};
    char *argv[12 + 2 * SETTINGS] = {program,
                                     (char[]){"-D"},
                                     data,
                                     (char[]){"-k"},
                                     self->root,
                                     (char[]){"-h"},
                                     (char[]){""},
                                     dash_c,
                                     (char[]){"max_connections=80"},
                                     dash_c,
                                     (char[]){"shared_buffers=64MB"}};
    pid_t pid;

    if (pg_fixture_is_alive(self))
        return;
    snprintf(program, sizeof(program), "%s/postgres", self->bin);
    snprintf(data, sizeof(data), "%s/data", self->root);
    for (size_t i = 0; self->settings && self->settings[i] && i < SETTINGS; i++) {
        argv[11 + 2 * i] = dash_c;
        argv[12 + 2 * i] = texts[i] = strdup(self->settings[i]);
    }
    pid = fork();
    if (pid == 0)
        keep(self, argv);
    for (size_t i = 0; i < SETTINGS; i++)
        free(texts[i]);
    if (pid < 0)
        die("fork: %s", strerror(errno));
    wait_ready(self, pid);
}

/* A killed postmaster may stay a zombie of the test program, whose pid in the lock files would
 * look alive to the next one. */
static void
remove_locks(const pg_fixture_t *self)
{
    static const char *const names[] = {"data/postmaster.pid", ".s.PGSQL.5432.lock",
                                        ".s.PGSQL.5432"};
    char path[200];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", self->root, names[i]);
        if (unlink(path) != 0 && errno != ENOENT)
            die("%s: %s", path, strerror(errno));
    }
}

void
pg_fixture_kill(pg_fixture_t *self)
{
    pid_t children[BACKENDS], pid = postmaster(self);
    size_t count;

    if (!pid_is_running(pid))
        return;
    pid_stop(pid); /* it starts no more children while we count them */
    count = pids_children(pid, children, BACKENDS);
    kill(pid, SIGKILL);
    for (size_t i = 0; i < count; i++)
        kill(children[i], SIGKILL);
    pid_wait_gone(pid);
    for (size_t i = 0; i < count; i++)
        pid_wait_gone(children[i]);
    remove_locks(self);
}

void
pg_fixture_stop(pg_fixture_t *self, int signal_number)
{
    pid_t pid = postmaster(self);

    if (!pid_is_running(pid))
        return;
    kill(pid, signal_number);
    pid_wait_gone(pid);
}

void
pg_fixture_signal(const pg_fixture_t *self, int signal_number)
{
    pid_t children[BACKENDS], pid = postmaster(self);
    size_t count;

    if (!pid_is_running(pid))
        return;
    if (signal_number == SIGSTOP)
        pid_stop(pid);
    count = pids_children(pid, children, BACKENDS);
    kill(pid, signal_number);
    for (size_t i = 0; i < count; i++)
        kill(children[i], signal_number);
}

/* The server's immediate shutdown: quick, and unlike a killed one it takes its shared memory
 * with it. One that a test has left dead is started first, which finds that memory. */
static void
stop(pg_fixture_t *self)
{
    pg_fixture_start(self);
    pg_fixture_stop(self, SIGQUIT);
}

static pg_fixture_t *
new_of(const char *superuser)
{
    pg_fixture_t *self = calloc(1, sizeof(*self));

    if (!self)
        die("out of memory");
    self->superuser = superuser;
    self->maker = getpid();
    if (!pg_cluster_programs(self->bin, sizeof(self->bin))) {
        printf("SKIPPED: PostgreSQL's programs (initdb, postgres) are not in "
               "/usr/lib/postgresql/*/bin nor in PATH\n");
        free(self);
        return NULL;
    }
    snprintf(self->root, sizeof(self->root), "%s/tunemill-pg-XXXXXX", scratch_base());
    if (!mkdtemp(self->root))
        die("%s: %s", self->root, strerror(errno));
    pg_cluster_give(self->root);
    return self;
}

static void
query_or_die(const char *url, const char *sql)
{
    char *answer = pg_fixture_query(url, sql);

    if (strncmp(answer, "ERROR", 5) == 0)
        die("%s: %s", sql, answer);
    free(answer);
}

static void
make_migrated(const pg_fixture_t *self, const char *name)
{
    char *admin = url_of(self, "postgres"), *url = url_of(self, name);
    char sql[200], detail[1000];
    int applied;

    snprintf(sql, sizeof(sql), "CREATE DATABASE %s", name);
    query_or_die(admin, sql);
    if (migrate_run(url, detail, sizeof(detail), &applied) != TM_OK)
        die("migration failed: %s", detail);
    free(url);
    free(admin);
}

/* A cluster that has one migrated database, at rest. */
static void
make_data(pg_fixture_t *self, const char *database)
{
    make_cluster(self);
    pg_fixture_start(self);
    make_migrated(self, database);
    pg_fixture_stop(self, SIGINT);
}

/* A kept_fn: makes it where the fixture has its data. */
static void
make_template(void *arg, const char *to)
{
    (void)to;
    make_data(arg, TEMPLATE);
}

pg_fixture_t *
pg_fixture_new_with(const char *const *settings)
{
    pg_fixture_t *self = new_of("postgres");
    char name[64], data[160];

    if (!self)
        return NULL;
    snprintf(data, sizeof(data), "%s/data", self->root);
    pg_cluster_name(self->bin, "fixture", name, sizeof(name));
    kept_copy(name, data, make_template, self);
    self->settings = settings;
    pg_fixture_start(self);
    return self;
}

pg_fixture_t *
pg_fixture_new(void)
{
    return pg_fixture_new_with(NULL);
}

/* A kept_fn: what `tunemill up` makes at its first start. */
static void
make_of_up(void *arg, const char *to)
{
    pg_fixture_t *self = arg;
    char data[160];

    make_data(self, "tunemill");
    snprintf(data, sizeof(data), "%s/data", self->root);
    if (rename(data, to) != 0)
        die("%s: %s", to, strerror(errno));
}

void
pg_fixture_place(const char *data_dir)
{
    pg_fixture_t *self = new_of("tunemill");
    char name[64], cluster[600];

    if (!self)
        die("there is no PostgreSQL to make a cluster with");
    if (mkdir(data_dir, 0711) != 0 || chmod(data_dir, 0711) != 0)
        die("%s: %s", data_dir, strerror(errno));
    snprintf(cluster, sizeof(cluster), "%s/postgres", data_dir);
    pg_cluster_name(self->bin, "up", name, sizeof(name));
    kept_copy(name, cluster, make_of_up, self);
    remove_files(self);
    free(self);
}

void
pg_fixture_destroy(pg_fixture_t **self_p)
{
    pg_fixture_t *self = *self_p;

    if (!self)
        return;
    if (getpid() == self->maker) { /* not a test that Check has forked */
        stop(self);
        remove_files(self);
    }
    free(self);
    *self_p = NULL;
}

/* Drops the databases of tests that have ended: those of processes that are no more. */
static void
drop_ended(const char *admin)
{
    char *names = pg_fixture_query(
        admin, "SELECT datname FROM pg_database WHERE datname ~ '^t_[0-9]+_[0-9]+$'");
    char *rest = names, *name, sql[200];

    while ((name = strsep(&rest, "\n"))) {
        if (!name[0] || pid_is_running((pid_t)strtol(name + 2, NULL, 10)))
            continue;
        snprintf(sql, sizeof(sql), "DROP DATABASE IF EXISTS %s WITH (FORCE)", name);
        query_or_die(admin, sql);
    }
    free(names);
}

static char *
make_database(pg_fixture_t *self, const char *template)
{
    char *admin = url_of(self, "postgres"), name[64], sql[200];

    pg_fixture_start(self);
    pg_fixture_signal(self, SIGCONT); /* a test that failed may have left it stopped */
    drop_ended(admin);
    snprintf(name, sizeof(name), "t_%d_%u", (int)getpid(), self->databases++);
    snprintf(sql, sizeof(sql), "CREATE DATABASE %s TEMPLATE %s", name, template);
    query_or_die(admin, sql);
    free(admin);
    return url_of(self, name);
}

char *
pg_fixture_database(pg_fixture_t *self)
{
    return make_database(self, TEMPLATE);
}

char *
pg_fixture_named(pg_fixture_t *self, const char *name)
{
    char *admin = url_of(self, "postgres"), sql[200];

    snprintf(sql, sizeof(sql), "DROP DATABASE IF EXISTS %s WITH (FORCE)", name);
    query_or_die(admin, sql);
    snprintf(sql, sizeof(sql), "CREATE DATABASE %s TEMPLATE template0", name);
    query_or_die(admin, sql);
    free(admin);
    return url_of(self, name);
}

char *
pg_fixture_empty(pg_fixture_t *self)
{
    return make_database(self, "template0");
}
