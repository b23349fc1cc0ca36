#include "tests/support/pg_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <grp.h>
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

#define TEMPLATE    "tunemill_template"
#define PATIENCE_MS 60000
#define BACKENDS    256
#define SETTINGS    8

struct pg_fixture {
    char bin[512];  /* where initdb and postgres are */
    char root[128]; /* ours; data, log and socket are in it */
    pid_t maker;    /* whose main made it */
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

static void
pause_ms(long ms)
{
    struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&span, NULL);
}

static bool
find_in_path(char *bin, size_t size)
{
    const char *path = getenv("PATH");
    char candidate[600];

    while (path && *path) {
        size_t length = strcspn(path, ":");
        snprintf(candidate, sizeof(candidate), "%.*s/initdb", (int)length, path);
        if (length < size && access(candidate, X_OK) == 0) {
            snprintf(bin, size, "%.*s", (int)length, path);
            return true;
        }
        path += length + (path[length] == ':');
    }
    return false;
}

static bool
find_programs(char *bin, size_t size)
{
    glob_t found;
    bool ok = glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &found) == 0;

    if (ok) { /* sorted: the newest is last */
        const char *path = found.gl_pathv[found.gl_pathc - 1];
        snprintf(bin, size, "%.*s", (int)(strlen(path) - strlen("/initdb")), path);
    }
    globfree(&found);
    return ok || find_in_path(bin, size);
}

static const struct passwd *
server_user(void)
{
    const struct passwd *user = getuid() == 0 ? getpwnam("postgres") : NULL;

    if (getuid() == 0 && !user)
        die("we are root, and there is no user postgres to run the server as");
    return user;
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

/* In a child: becomes the server's user, and the program. */
static void __attribute__((noreturn)) become(char *const *argv)
{
    const struct passwd *user = server_user();

    if (user && (setgid(user->pw_gid) != 0 || initgroups(user->pw_name, user->pw_gid) != 0 ||
                 setuid(user->pw_uid) != 0))
        _exit(126);
    setenv("TZ", "UTC", 1);
    execv(argv[0], argv);
    _exit(127);
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
    char program[600], data[160];
    char *argv[] = {program,           (char[]){"-D"},          data,
                    (char[]){"-U"},    (char[]){"postgres"},    (char[]){"-A"},
                    (char[]){"trust"}, (char[]){"--no-sync"},   (char[]){"-E"},
                    (char[]){"UTF8"},  (char[]){"--no-locale"}, NULL};
    int status;
    pid_t pid;

    snprintf(program, sizeof(program), "%s/initdb", self->bin);
    snprintf(data, sizeof(data), "%s/data", self->root);
    pid = fork();
    if (pid == 0) {
        open_log(self);
        become(argv);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
        show_log(self);
        die("initdb failed in %s", self->root);
    }
}

/* The process ids at the start of a file; returns how many. */
static size_t
read_pids(const char *path, pid_t *pids, size_t limit)
{
    char line[16 * BACKENDS];
    char *at = line, *end = line;
    size_t count = 0;
    FILE *file = fopen(path, "re");

    if (!file)
        return 0;
    if (!fgets(line, sizeof(line), file))
        line[0] = '\0';
    fclose(file);
    for (; count < limit; at = end) {
        long pid = strtol(at, &end, 10);
        if (end == at)
            break;
        pids[count++] = (pid_t)pid;
    }
    return count;
}

/* The postmaster's process id, 0 if it left none. */
static pid_t
postmaster(const pg_fixture_t *self)
{
    char path[160];
    pid_t pid;

    snprintf(path, sizeof(path), "%s/data/postmaster.pid", self->root);
    return read_pids(path, &pid, 1) ? pid : 0;
}

/* A process that is dead but not yet waited for counts as gone. */
static bool
is_running(pid_t pid)
{
    char path[64], line[512];
    const char *end = NULL;
    FILE *file;

    if (pid <= 0)
        return false;
    waitpid(pid, NULL, WNOHANG); /* if it is our own */
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    file = fopen(path, "re");
    if (!file)
        return false;
    if (fgets(line, sizeof(line), file))
        end = strrchr(line, ')');
    fclose(file);
    return end && end[2] != 'Z' && end[2] != 'X';
}

bool
pg_fixture_is_alive(const pg_fixture_t *self)
{
    return is_running(postmaster(self));
}

static char *
url_of(const pg_fixture_t *self, const char *database)
{
    char *url;

    if (asprintf(&url, "host=%s user=postgres dbname=%s", self->root, database) < 0)
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
        become(argv);
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
        if (waited > PATIENCE_MS || !is_running(pid)) {
            show_log(self);
            die("the server did not start in %s", self->root);
        }
        pause_ms(10);
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

static size_t
children_of(pid_t pid, pid_t *children, size_t limit)
{
    char path[80];

    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    return read_pids(path, children, limit);
}

static void
wait_gone(pid_t pid)
{
    for (int waited = 0; is_running(pid); waited += 2) {
        if (waited > PATIENCE_MS)
            die("process %d does not end", (int)pid);
        pause_ms(2);
    }
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

    if (!is_running(pid))
        return;
    kill(pid, SIGSTOP); /* it starts no more children while we count them */
    count = children_of(pid, children, BACKENDS);
    kill(pid, SIGKILL);
    for (size_t i = 0; i < count; i++)
        kill(children[i], SIGKILL);
    wait_gone(pid);
    for (size_t i = 0; i < count; i++)
        wait_gone(children[i]);
    remove_locks(self);
}

void
pg_fixture_stop(pg_fixture_t *self, int signal_number)
{
    pid_t pid = postmaster(self);

    if (!is_running(pid))
        return;
    kill(pid, signal_number);
    wait_gone(pid);
}

void
pg_fixture_signal(const pg_fixture_t *self, int signal_number)
{
    pid_t children[BACKENDS], pid = postmaster(self);
    size_t count;

    if (!is_running(pid))
        return;
    count = children_of(pid, children, BACKENDS);
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

pg_fixture_t *
pg_fixture_new_with(const char *const *settings)
{
    const struct passwd *user;
    const char *base = getenv("TMPDIR");
    pg_fixture_t *self = calloc(1, sizeof(*self));

    if (!self)
        die("out of memory");
    self->settings = settings;
    if (!find_programs(self->bin, sizeof(self->bin))) {
        printf("SKIPPED: PostgreSQL's programs (initdb, postgres) are not in "
               "/usr/lib/postgresql/*/bin nor in PATH\n");
        free(self);
        return NULL;
    }
    if (!base || strlen(base) > 60) /* a socket's path is short */
        base = "/tmp";
    snprintf(self->root, sizeof(self->root), "%s/tunemill-pg-XXXXXX", base);
    if (!mkdtemp(self->root))
        die("%s: %s", self->root, strerror(errno));
    user = server_user();
    if (user && chown(self->root, user->pw_uid, user->pw_gid) != 0)
        die("chown: %s", strerror(errno));
    self->maker = getpid();
    make_cluster(self);
    pg_fixture_start(self);
    return self;
}

pg_fixture_t *
pg_fixture_new(void)
{
    return pg_fixture_new_with(NULL);
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

static void
query_or_die(const char *url, const char *sql)
{
    char *answer = pg_fixture_query(url, sql);

    if (strncmp(answer, "ERROR", 5) == 0)
        die("%s: %s", sql, answer);
    free(answer);
}

static char *
make_database(pg_fixture_t *self, const char *template)
{
    char *admin = url_of(self, "postgres"), name[64], sql[200];

    snprintf(name, sizeof(name), "t_%d_%u", (int)getpid(), self->databases++);
    snprintf(sql, sizeof(sql), "CREATE DATABASE %s TEMPLATE %s", name, template);
    query_or_die(admin, sql);
    free(admin);
    return url_of(self, name);
}

/* Migrated once for the cluster; tests take copies of it. */
static void
ensure_template(pg_fixture_t *self)
{
    char *admin = url_of(self, "postgres"), *url = url_of(self, TEMPLATE), detail[1000];
    char *known = pg_fixture_query(
        admin, "SELECT count(*) FROM pg_database WHERE datname = '" TEMPLATE "'");
    int applied;

    if (strcmp(known, "1") != 0)
        query_or_die(admin, "CREATE DATABASE " TEMPLATE);
    if (strcmp(known, "1") != 0 && migrate_run(url, detail, sizeof(detail), &applied) != TM_OK)
        die("migration failed: %s", detail);
    free(known);
    free(url);
    free(admin);
}

char *
pg_fixture_database(pg_fixture_t *self)
{
    pg_fixture_start(self);
    ensure_template(self);
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
    pg_fixture_start(self);
    return make_database(self, "template0");
}

static void
print_rows(FILE *out, const PGresult *result)
{
    for (int row = 0; row < PQntuples(result); row++)
        for (int column = 0; column < PQnfields(result); column++)
            fprintf(out, "%s%s",
                    column ? "|"
                    : row  ? "\n"
                           : "",
                    PQgetvalue(result, row, column));
}

char *
pg_fixture_query(const char *url, const char *sql)
{
    PGconn *connection = PQconnectdb(url);
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        die("out of memory");
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        print_rows(out, result);
    else
        fprintf(out, "ERROR: %s", PQerrorMessage(connection));
    fclose(out);
    PQclear(result);
    PQfinish(connection);
    return text;
}
