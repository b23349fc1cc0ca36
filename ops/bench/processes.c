/* The processes of a measurement, and the processor time of all others: what bounds it is who
 * uses the processors during it. */
#include <czmq.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "ops/bench/bench.h"

double
bench_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double
bench_percentile(double *values, size_t count, double share)
{
    qsort(values, count, sizeof *values, compare);
    return count ? values[(size_t)fmin((double)count * share, (double)(count - 1))] : 0;
}

void *
bench_share(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        abort();
    return memory;
}

pid_t
bench_fork(bench_part_fn *part, void *arg)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    zsys_handler_set(NULL); /* a signal ends it */
    _exit(part(arg) ? 0 : 1);
}

/* The name may hold anything: the fields of proc(5)'s stat are read from behind it. */
static double
seconds_of(int pid, bool *ret_is_database)
{
    unsigned long user = 0, system = 0;
    char path[64], text[1024] = "";
    const char *rest;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    file = fopen(path, "re");
    if (!file)
        return 0; /* it has ended meanwhile */
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    *ret_is_database = strstr(text, "(postgres)") != NULL;
    rest = strrchr(text, ')');
    if (!rest || sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                        &system) != 2)
        return 0;
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* The process and all below it. */
static void
add_costs(struct bench_cost *cost, int pid)
{
    bool is_database = false;
    double seconds = seconds_of(pid, &is_database);
    char path[64];
    FILE *children;

    *(is_database ? &cost->database : &cost->broker) += seconds;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
    children = fopen(path, "re");
    while (children && fscanf(children, "%d", &pid) == 1)
        add_costs(cost, pid);
    if (children)
        fclose(children);
}

struct bench_cost
bench_cost(const struct bench_world *world)
{
    struct bench_cost cost = {.database = 0};

    add_costs(&cost, world->pid);
    return cost;
}
