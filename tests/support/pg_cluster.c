#include "tests/support/pg_cluster.h"

#include <errno.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/kit/util/digest.h"
#include "migrations/embedded.h"

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

bool
pg_cluster_programs(char *bin, size_t size)
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

static void __attribute__((noreturn)) die(const char *what, const char *why)
{
    fprintf(stderr, "pg_cluster: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static const struct passwd *
server_user(void)
{
    const struct passwd *user = getuid() == 0 ? getpwnam("postgres") : NULL;

    if (getuid() == 0 && !user)
        die("postgres", "we are root, and there is no such user to run the server as");
    return user;
}

void
pg_cluster_give(const char *path)
{
    const struct passwd *user = server_user();

    if (user && chown(path, user->pw_uid, user->pw_gid) != 0)
        die(path, strerror(errno));
}

void
pg_cluster_become(char *const *argv)
{
    const struct passwd *user = server_user();

    if (user && (setgid(user->pw_gid) != 0 || initgroups(user->pw_name, user->pw_gid) != 0 ||
                 setuid(user->pw_uid) != 0))
        _exit(126);
    setenv("TZ", "UTC", 1);
    execv(argv[0], argv);
    _exit(127);
}

void
pg_cluster_init(const char *bin, const char *data, const char *superuser)
{
    char program[600], place[600], user[100];
    char *argv[] = {program,
                    place,
                    user,
                    (char[]){"--auth-local=trust"},
                    (char[]){"--auth-host=reject"},
                    (char[]){"--encoding=UTF8"},
                    (char[]){"--no-locale"},
                    (char[]){"--no-sync"},
                    NULL};

    snprintf(program, sizeof(program), "%s/initdb", bin);
    snprintf(place, sizeof(place), "--pgdata=%s", data);
    snprintf(user, sizeof(user), "--username=%s", superuser);
    pg_cluster_become(argv);
}

/* Debian gives a new version of the server a new date. */
static void
add_program(digest_t *digest, const char *bin)
{
    char path[600];
    struct stat info;

    snprintf(path, sizeof(path), "%s/postgres", bin);
    if (stat(path, &info) != 0)
        die(path, strerror(errno));
    digest_add(digest, path, strlen(path));
    digest_add(digest, &info.st_mtim, sizeof(info.st_mtim));
}

/* Of this program, which makes what is kept: the build may have newer ones by now. */
static void
add_migrations(digest_t *digest, const struct migration *file, size_t count)
{
    for (; count > 0; count--, file++) {
        digest_add(digest, file->name, strlen(file->name));
        digest_add(digest, file->sql, file->size);
    }
}

void
pg_cluster_name(const char *bin, const char *what, char *name, size_t size)
{
    digest_t *digest = digest_new();
    uint8_t hash[SHA256_SIZE];
    char text[SHA256_TEXT];
    uid_t user = getuid();

    add_program(digest, bin);
    digest_add(digest, &user, sizeof(user));
    add_migrations(digest, migrations_table, migrations_count);
    add_migrations(digest, functions_table, functions_count);
    digest_end(digest, hash);
    digest_destroy(&digest);
    snprintf(name, size, "%s-%.16s", what, hex_text(hash, sizeof(hash), text));
}
