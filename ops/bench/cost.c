/* Processor time, by whom: what bounds a measurement is who uses the processors during it. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ops/bench/bench.h"

enum { PROCESSES_MAX = 4096 };

struct process {
    int pid, parent;
    bool is_database;
    double seconds;
};

enum { PARENT = 4, USER = 14, SYSTEM = 15, AFTER_NAME = 3 }; /* of proc(5), stat */

/* The name may hold anything: fields are counted from behind it. */
static unsigned long
field(const char *after_name, int number)
{
    for (int i = AFTER_NAME; after_name && i < number; i++) {
        after_name = strchr(after_name, ' ');
        after_name += after_name != NULL;
    }
    return after_name ? strtoul(after_name, NULL, 10) : 0;
}

static bool
read_process(const char *pid, struct process *ret)
{
    char path[300], text[1024] = "";
    const char *name, *rest;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    file = fopen(path, "re");
    if (!file)
        return false; /* it has ended meanwhile */
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    name = strchr(text, '(');
    rest = strrchr(text, ')');
    if (!name || !rest || rest[1] == '\0')
        return false;
    rest += 2;
    ret->parent = (int)field(rest, PARENT);
    ret->pid = (int)strtol(pid, NULL, 10);
    ret->is_database = strncmp(name, "(postgres)", 10) == 0;
    ret->seconds =
        (double)(field(rest, USER) + field(rest, SYSTEM)) / (double)sysconf(_SC_CLK_TCK);
    return true;
}

static size_t
read_all(struct process *all)
{
    DIR *directory = opendir("/proc");
    struct dirent *entry;
    size_t count = 0;

    while (directory && (entry = readdir(directory)) && count < PROCESSES_MAX)
        if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9' &&
            read_process(entry->d_name, &all[count]))
            count++;
    if (directory)
        closedir(directory);
    return count;
}

static bool
is_below(const struct process *all, size_t count, int pid, int ancestor)
{
    for (int depth = 0; depth < 8 && pid > 1; depth++) {
        size_t i = 0;

        if (pid == ancestor)
            return true;
        while (i < count && all[i].pid != pid)
            i++;
        pid = i < count ? all[i].parent : 0;
    }
    return false;
}

struct bench_cost
bench_cost(const struct bench_world *world)
{
    struct process *all = calloc(PROCESSES_MAX, sizeof *all);
    size_t count = all ? read_all(all) : 0;
    struct bench_cost cost = {.database = 0};

    for (size_t i = 0; i < count; i++) {
        if (!is_below(all, count, all[i].pid, world->pid))
            continue;
        if (all[i].is_database)
            cost.database += all[i].seconds;
        else
            cost.broker += all[i].seconds;
    }
    free(all);
    return cost;
}
