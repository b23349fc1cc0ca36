#include "ops/supervisor/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/kit/util/digest.h"

#define LONGEST_SOCKET ".s.PGSQL.5432"
#define PLAIN          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+~"

static tm_err_t
fail(char *detail, size_t size, const char *what, const char *path)
{
    snprintf(detail, size, "%s %s: %s", what, path, strerror(errno));
    return TM_BAD_SETTING;
}

bool
paths_join(char *out, size_t size, const char *directory, const char *name)
{
    int length = snprintf(out, size, "%s/%s", directory, name);

    return length > 0 && (size_t)length < size;
}

/* mkdir -p; only the last directory gets `mode`, and only when it is new. */
static bool
make_directory(const char *path, mode_t mode)
{
    char part[PATH_MAX];

    if (!path[0] || strlen(path) >= sizeof part) {
        errno = ENAMETOOLONG;
        return false;
    }
    strcpy(part, path);
    for (char *slash = part; (slash = strchr(slash + 1, '/')); *slash = '/') {
        *slash = '\0';
        if (mkdir(part, 0755) < 0 && errno != EEXIST)
            return false;
    }
    if (mkdir(path, mode) == 0)
        return chmod(path, mode) == 0; /* whatever the umask */
    return errno == EEXIST;
}

/* A directory somewhere public: it must be a real one and ours, or someone else made it. */
static bool
make_own_directory(const char *path, mode_t mode)
{
    struct stat st;

    if (!make_directory(path, mode) || lstat(path, &st) < 0)
        return false;
    if (S_ISDIR(st.st_mode) && st.st_uid == geteuid())
        return chmod(path, mode) == 0;
    errno = EPERM;
    return false;
}

static void
hash_text(const char *text, char out[13])
{
    uint8_t hash[SHA256_SIZE];

    digest_of(text, strlen(text), hash);
    hex_text(hash, 6, out);
}

static tm_err_t
take_lock(struct paths *self, char *detail, size_t size)
{
    char path[PATH_MAX], owner[32] = "";

    if (!paths_join(path, sizeof path, self->data_dir, "lock"))
        return TM_BAD_SETTING;
    self->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (self->lock_fd < 0)
        return fail(detail, size, "cannot open", path);
    if (flock(self->lock_fd, LOCK_EX | LOCK_NB) < 0) {
        ssize_t got = pread(self->lock_fd, owner, sizeof owner - 1, 0);

        owner[got > 0 ? (size_t)got : 0] = '\0';
        owner[strcspn(owner, "\n")] = '\0';
        snprintf(detail, size,
                 "another `tunemill up` (process %s) runs on %s; stop it, or choose another "
                 "--data-dir",
                 owner[0] ? owner : "unknown", self->data_dir);
        close(self->lock_fd);
        self->lock_fd = -1;
        return TM_BUSY;
    }
    if (ftruncate(self->lock_fd, 0) < 0 || dprintf(self->lock_fd, "%d\n", (int)getpid()) < 0)
        return fail(detail, size, "cannot write", path);
    return TM_OK;
}

/* May `user` walk down to path? Judged by the directories' permission bits, as the kernel does.
 */
static bool
is_reachable(const char *path, const struct process_user *user)
{
    char part[PATH_MAX];
    size_t length = strlen(path);

    for (size_t i = 1; i <= length && length < sizeof part; i++) {
        struct stat st;
        mode_t bit;

        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (stat(part, &st) < 0)
            return false;
        bit = st.st_uid == user->uid ? S_IXUSR : st.st_gid == user->gid ? S_IXGRP : S_IXOTH;
        if (!(st.st_mode & bit))
            return false;
    }
    return true;
}

static tm_err_t
link_cluster(struct paths *self, const char *target, char *detail, size_t size)
{
    char link[PATH_MAX], seen[PATH_MAX];
    ssize_t length;

    if (!paths_join(link, sizeof link, self->data_dir, "postgres"))
        return TM_BAD_SETTING;
    if (symlink(target, link) == 0)
        return TM_OK;
    length = readlink(link, seen, sizeof seen - 1);
    seen[length > 0 ? (size_t)length : 0] = '\0';
    if (errno == EEXIST && strcmp(seen, target) == 0)
        return TM_OK;
    snprintf(detail, size, "%s is in the way: it should be a link to %s", link, target);
    return TM_BAD_SETTING;
}

static tm_err_t
place_cluster(struct paths *self, const struct process_user *user, char *detail, size_t size)
{
    char hash[13];
    tm_err_t err = TM_OK;

    memcpy(self->cluster_base, self->data_dir, sizeof self->cluster_base);
    if (user->drop && !is_reachable(self->data_dir, user)) {
        hash_text(self->data_dir, hash);
        snprintf(self->cluster_base, sizeof self->cluster_base, "/var/lib/tunemill/%s", hash);
        if (!make_own_directory(self->cluster_base, 0711))
            return fail(detail, size, "cannot make", self->cluster_base);
    }
    if (!paths_join(self->cluster, sizeof self->cluster, self->cluster_base, "postgres"))
        return TM_BAD_SETTING;
    if (strcmp(self->cluster_base, self->data_dir) != 0)
        err = link_cluster(self, self->cluster, detail, size);
    return err;
}

/* The directory is named in a list of endpoints, in a list of directories and in a URL, as it
 * is: none of its characters may mean something there. */
static bool
can_hold_sockets(const char *directory)
{
    return strlen(directory) + 1 + strlen(LONGEST_SOCKET) <= PATHS_SOCKET_MAX &&
           directory[strspn(directory, PLAIN)] == '\0';
}

/* run_dir and socket_dir. PostgreSQL's is its user's alone; others walk through run_dir, which
 * they cannot list, and our socket's own mode keeps them out. */
static tm_err_t
place_sockets(struct paths *self, bool private_cluster, const struct process_user *user,
              char *detail, size_t size)
{
    char hash[13];
    bool is_open = !user->drop || is_reachable(self->data_dir, user);

    if (!paths_join(self->run_dir, sizeof self->run_dir, self->data_dir, "run") ||
        !paths_join(self->socket_dir, sizeof self->socket_dir, self->run_dir, "pg") ||
        !can_hold_sockets(self->socket_dir) || !is_open) {
        hash_text(self->data_dir, hash);
        snprintf(self->run_dir, sizeof self->run_dir, "/tmp/tunemill-%u-%s",
                 (unsigned)geteuid(), hash);
        snprintf(self->socket_dir, sizeof self->socket_dir, "/tmp/tunemill-%u-%s/pg",
                 (unsigned)geteuid(), hash);
    }
    if (!make_own_directory(self->run_dir, user->drop ? 0711 : 0700))
        return fail(detail, size, "cannot use", self->run_dir);
    if (!private_cluster)
        return TM_OK;
    if (!make_directory(self->socket_dir, 0700))
        return fail(detail, size, "cannot use", self->socket_dir);
    if (user->drop && lchown(self->socket_dir, user->uid, user->gid) < 0)
        return fail(detail, size, "cannot give away", self->socket_dir);
    return TM_OK;
}

tm_err_t
paths_open(struct paths *self, const char *data_dir, bool private_cluster,
           const struct process_user *user, char *detail, size_t size)
{
    tm_err_t err;

    memset(self, 0, sizeof *self);
    self->lock_fd = -1;
    snprintf(detail, size, "the path of the data directory is too long: %s", data_dir);
    if (!make_directory(data_dir, 0711) || !realpath(data_dir, self->data_dir))
        return fail(detail, size, "cannot make the data directory", data_dir);
    err = take_lock(self, detail, size);
    if (!err && private_cluster)
        err = place_cluster(self, user, detail, size);
    if (!err)
        err = place_sockets(self, private_cluster, user, detail, size);
    if (err)
        paths_close(self);
    return err;
}

static int
remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

tm_err_t
paths_remove_tree(const char *path)
{
    if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT)
        return TM_OK;
    return TM_INTERNAL;
}

void
paths_close(struct paths *self)
{
    char path[PATH_MAX];

    if (self->lock_fd < 0)
        return;
    if (self->run_dir[0] && paths_remove_tree(self->run_dir))
        fprintf(stderr, "tunemill up: could not remove %s\n", self->run_dir);
    if (paths_join(path, sizeof path, self->data_dir, "up.json"))
        unlink(path);
    close(self->lock_fd); /* the file stays: removing it would let two take it at once */
    self->lock_fd = -1;
}
