#include "tests/support/pids.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define PATIENCE_MS 60000
#define LINE_SIZE   4096

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

bool
pid_is_running(pid_t pid)
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

void
pid_wait_gone(pid_t pid)
{
    for (int waited = 0; pid_is_running(pid); waited += 2) {
        if (waited > PATIENCE_MS) {
            fprintf(stderr, "process %d does not end\n", (int)pid);
            exit(EXIT_FAILURE);
        }
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
}
