#include "tests/support/kept.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_SIZE 1024

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("kept: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(EXIT_FAILURE);
}

static void
run_or_die(const char *program, const char *option, const char *first, const char *second)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        execl(program, program, option, first, second, (char *)NULL);
        _exit(127);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (pid < 0 || status != 0)
        die("%s %s %s %s failed", program, option, first, second ? second : "");
}

static void
copy_tree(const char *from, const char *to)
{
    run_or_die("/bin/cp", "-a", from, to);
}

static void
remove_tree(const char *path)
{
    run_or_die("/bin/rm", "-rf", path, NULL);
}

static bool
is_there(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0;
}

/* What was kept under the same beginning is of an older build, or unfinished. */
static void
remove_older(const char *name)
{
    size_t length = strcspn(name, "-") + 1;
    DIR *directory = opendir(TM_KEPT);
    struct dirent *entry;
    char path[PATH_SIZE];

    while (directory && (entry = readdir(directory)))
        if (strncmp(entry->d_name, name, length) == 0) {
            snprintf(path, sizeof(path), "%s/%s", TM_KEPT, entry->d_name);
            remove_tree(path);
        }
    if (directory)
        closedir(directory);
}

/* Its name appears when it is whole: a test that is killed meanwhile leaves none behind. */
static void
keep_copy(const char *name, const char *from, const char *kept)
{
    char draft[PATH_SIZE + 8];

    remove_older(name);
    snprintf(draft, sizeof(draft), "%s.new", kept);
    copy_tree(from, draft);
    if (rename(draft, kept) != 0)
        die("%s: %s", kept, strerror(errno));
}

static int
open_lock(void)
{
    if (mkdir(TM_KEPT, 0755) != 0 && errno != EEXIST)
        return -1;
    return open(TM_KEPT "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
}

static void
take_lock(int lock, int how)
{
    while (flock(lock, how) != 0)
        if (errno != EINTR)
            die("%s/lock: %s", TM_KEPT, strerror(errno));
}

void
kept_copy(const char *name, const char *to, kept_fn *make, void *arg)
{
    char kept[PATH_SIZE];
    int lock = open_lock();

    if (lock < 0) {
        make(arg, to);
        return;
    }
    snprintf(kept, sizeof(kept), "%s/%s", TM_KEPT, name);
    take_lock(lock, LOCK_SH);
    if (!is_there(kept))
        take_lock(lock, LOCK_EX); /* not atomic: another may have made it meanwhile */
    if (is_there(kept)) {
        copy_tree(kept, to);
    } else {
        make(arg, to);
        keep_copy(name, to, kept);
    }
    flock(lock, LOCK_UN); /* a child of `make` may still have the file open */
    close(lock);
}
