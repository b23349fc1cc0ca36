#include "ops/supervisor/cluster.h"

#include <dirent.h>
#include <errno.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/kit/runtime/log.h"
#include "ops/supervisor/cluster.def"

#define VERSIONS_DIR   "/usr/lib/postgresql"
#define OLDEST_VERSION 13
#define DATABASE       "tunemill"

struct cluster {
    const struct paths *paths;
    struct process_user user;
    char bin[PATH_MAX];   /* where initdb and postgres are */
    char draft[PATH_MAX]; /* initdb's directory until it has succeeded */
    char url[4 * PATH_MAX];
};

/* The beginning of a file of the cluster. False: errno says why. */
static bool
read_text(const cluster_t *self, const char *name, char *text, size_t size)
{
    char path[PATH_MAX];
    FILE *file =
        paths_join(path, sizeof path, self->paths->cluster, name) ? fopen(path, "re") : NULL;

    if (!file)
        return false;
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
    return true;
}

/* The major version an existing cluster was made by; 0: there is none. */
static int
made_by(const cluster_t *self)
{
    char text[16];

    return read_text(self, "PG_VERSION", text, sizeof text) ? (int)strtol(text, NULL, 10) : 0;
}

static bool
has_programs(const char *bin)
{
    static const char *const names[] = {"initdb", "postgres"};
    char path[PATH_MAX];

    for (size_t i = 0; i < 2; i++)
        if (!paths_join(path, sizeof path, bin, names[i]) || access(path, X_OK) < 0)
            return false;
    return true;
}

/* The newest version installed, or exactly `wanted`. 0: none. */
static int
find_version(int wanted)
{
    DIR *directory = opendir(VERSIONS_DIR);
    struct dirent *entry;
    int best = 0;

    while (directory && (entry = readdir(directory))) {
        int version = (int)strtol(entry->d_name, NULL, 10);
        char bin[PATH_MAX];

        snprintf(bin, sizeof bin, VERSIONS_DIR "/%d/bin", version);
        if (version >= OLDEST_VERSION && version > best && (!wanted || version == wanted) &&
            has_programs(bin))
            best = version;
    }
    if (directory)
        closedir(directory);
    return best;
}

static bool
find_in_path(char bin[PATH_MAX])
{
    const char *path = getenv("PATH");

    while (path && *path) {
        size_t length = strcspn(path, ":");

        if (length > 0 && length < PATH_MAX) {
            memcpy(bin, path, length);
            bin[length] = '\0';
            if (has_programs(bin))
                return true;
        }
        path += length + (path[length] == ':');
    }
    return false;
}

static bool
find_programs(cluster_t *self, char *detail, size_t size)
{
    int wanted = made_by(self);
    int version = find_version(wanted);

    if (version) {
        snprintf(self->bin, sizeof self->bin, VERSIONS_DIR "/%d/bin", version);
        return true;
    }
    if (find_in_path(self->bin))
        return true;
    if (wanted)
        snprintf(detail, size, "%s was made by PostgreSQL %d, which is not installed",
                 self->paths->cluster, wanted);
    else
        snprintf(detail, size,
                 "PostgreSQL is not installed: install postgresql-15 (ops/setup does), or set "
                 "DATABASE_URL");
    return false;
}

static void
make_url(cluster_t *self)
{
    size_t used = (size_t)snprintf(self->url, sizeof self->url,
                                   "postgresql://" DATABASE "@/" DATABASE "?host=");

    for (const char *c = self->paths->socket_dir; *c && used + 4 < sizeof self->url; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                     (*c >= '0' && *c <= '9') || strchr("/-._", *c);

        used += (size_t)snprintf(self->url + used, sizeof self->url - used,
                                 plain ? "%c" : "%%%02X", (unsigned char)*c);
    }
}

cluster_t *
cluster_new(const struct paths *paths, const struct process_user *user, char *detail,
            size_t size)
{
    cluster_t *self = calloc(1, sizeof *self);

    if (!self)
        abort();
    self->paths = paths;
    self->user = *user;
    make_url(self);
    if (paths_join(self->draft, sizeof self->draft, paths->cluster_base, "postgres.new") &&
        find_programs(self, detail, size))
        return self;
    cluster_destroy(&self);
    return NULL;
}

void
cluster_destroy(cluster_t **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

bool
cluster_is_made(const cluster_t *self)
{
    return made_by(self) > 0;
}

tm_err_t
cluster_prepare(const cluster_t *self)
{
    tm_err_t err = paths_remove_tree(self->draft);

    if (err)
        return err;
    if (mkdir(self->draft, 0700) < 0)
        return TM_INTERNAL;
    if (self->user.drop && lchown(self->draft, self->user.uid, self->user.gid) < 0)
        return TM_INTERNAL;
    return TM_OK;
}

tm_err_t
cluster_adopt(const cluster_t *self)
{
    return rename(self->draft, self->paths->cluster) == 0 ? TM_OK : TM_INTERNAL;
}

void
cluster_initdb(const cluster_t *self, struct arguments *ret)
{
    arguments_add(ret, "%s/initdb", self->bin);
    arguments_add(ret, "--pgdata=%s", self->draft);
    arguments_add(ret, "--username=" DATABASE);
    arguments_add(ret, "--auth-local=trust");
    arguments_add(ret, "--auth-host=reject");
    arguments_add(ret, "--encoding=UTF8");
    arguments_add(ret, "--no-locale");
    arguments_add(ret, "--no-instructions");
}

void
cluster_server(const cluster_t *self, struct arguments *ret)
{
    arguments_add(ret, "%s/postgres", self->bin);
    arguments_add(ret, "-D");
    arguments_add(ret, "%s", self->paths->cluster);
    arguments_add(ret, "-cunix_socket_directories=%s", self->paths->socket_dir);
#define C(name, value, why) arguments_add(ret, "-c%s=%s", name, value);
    CLUSTER_SETTINGS(C)
#undef C
}

/* Is process `pid` a server of this cluster? It has its directory as its own. */
static bool
is_our_server(const cluster_t *self, pid_t pid)
{
    char link[64], real[PATH_MAX], seen[PATH_MAX];
    ssize_t length;

    snprintf(link, sizeof link, "/proc/%d/cwd", (int)pid);
    length = readlink(link, seen, sizeof seen - 1);
    if (length <= 0 || !realpath(self->paths->cluster, real))
        return false;
    seen[length] = '\0';
    return strcmp(seen, real) == 0;
}

/* PostgreSQL takes a lock file of its own parent for stale: so its first line becomes our id,
 * and the shared memory it names is still checked for backends. */
static tm_err_t
disarm(const cluster_t *self, const char *text)
{
    char path[PATH_MAX], draft[PATH_MAX];
    const char *rest = strchr(text, '\n');
    FILE *file;
    bool is_written;

    if (!paths_join(path, sizeof path, self->paths->cluster, "postmaster.pid") ||
        !paths_join(draft, sizeof draft, self->paths->cluster, "postmaster.pid.new"))
        return TM_INTERNAL;
    file = fopen(draft, "we");
    if (!file)
        return TM_INTERNAL;
    is_written = fprintf(file, "%d%s", (int)getpid(), rest ? rest : "\n") > 0;
    is_written = fchmod(fileno(file), 0600) == 0 && is_written;
    if (self->user.drop)
        is_written = fchown(fileno(file), self->user.uid, self->user.gid) == 0 && is_written;
    is_written = fclose(file) == 0 && is_written;
    return is_written && rename(draft, path) == 0 ? TM_OK : TM_INTERNAL;
}

tm_err_t
cluster_clear_stale(const cluster_t *self)
{
    char text[4096];
    long pid;

    if (!read_text(self, "postmaster.pid", text, sizeof text))
        return errno == ENOENT ? TM_OK : TM_INTERNAL;
    pid = strtol(text, NULL, 10);
    if (pid <= 1 || (kill((pid_t)pid, 0) < 0 && errno == ESRCH))
        return TM_OK; /* PostgreSQL sees this itself */
    if (!is_our_server(self, (pid_t)pid))
        return disarm(self, text);
    log_warn("postgres.orphan", "pid=%ld action=stop", pid);
    kill((pid_t)pid, SIGINT);
    return TM_BUSY;
}

bool
cluster_is_ready(const cluster_t *self)
{
    const char *keys[] = {"host", "user", "dbname", "connect_timeout", NULL};
    const char *values[] = {self->paths->socket_dir, DATABASE, "postgres", "2", NULL};

    return PQpingParams(keys, values, 0) == PQPING_OK;
}

const char *
cluster_url(const cluster_t *self)
{
    return self->url;
}
