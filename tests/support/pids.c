#include "tests/support/pids.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/support/patience.h"

#define LINE_SIZE 4096

size_t
pids_read(const char *path, pid_t *pids, size_t limit)
{
    char line[LINE_SIZE];
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

size_t
pids_children(pid_t pid, pid_t *children, size_t limit)
{
    char path[80];

    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    return pids_read(path, children, limit);
}

/* As in proc(5): R, S, T ...; X if it is not there. */
static char
state_of(pid_t pid)
{
    char path[64], line[512], state = 'X';
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    file = fopen(path, "re");
    if (!file)
        return state;
    if (fgets(line, sizeof(line), file) && strrchr(line, ')'))
        state = strrchr(line, ')')[2];
    fclose(file);
    return state;
}

bool
pid_is_running(pid_t pid)
{
    if (pid <= 0)
        return false;
    waitpid(pid, NULL, WNOHANG); /* if it is our own */
    return !strchr("ZX", state_of(pid));
}

static bool
has_stopped(pid_t pid)
{
    return strchr("TtZX", state_of(pid)) != NULL;
}

static bool
is_gone(pid_t pid)
{
    return !pid_is_running(pid);
}

static void
await(bool (*is_so)(pid_t pid), pid_t pid, const char *what)
{
    for (int waited = 0; !is_so(pid); waited += 2) {
        if (waited > PATIENCE_MS) {
            fprintf(stderr, "process %d does not %s\n", (int)pid, what);
            exit(EXIT_FAILURE);
        }
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
}

void
pid_stop(pid_t pid)
{
    if (kill(pid, SIGSTOP) == 0)
        await(has_stopped, pid, "stop");
}

void
pid_wait_gone(pid_t pid)
{
    await(is_gone, pid, "end");
}
