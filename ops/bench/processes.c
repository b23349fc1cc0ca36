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

/* A file of /proc, or what there is of it: the process may have ended meanwhile. */
static void
read_proc(int pid, const char *name, char *text, size_t size)
{
    char path[64];
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    file = fopen(path, "re");
    text[file ? fread(text, 1, size - 1, file) : 0] = '\0';
    if (file)
        fclose(file);
}

enum { USER = 14, SYSTEM = 15, AFTER_NAME = 3 }; /* of proc(5), stat */

/* The name may hold anything: fields are counted from behind it. */
static double
seconds_of(int pid, bool *ret_is_database)
{
    unsigned long ticks = 0;
    char text[1024];
    char *at;

    read_proc(pid, "stat", text, sizeof text);
    *ret_is_database = strstr(text, "(postgres)") != NULL;
    at = strrchr(text, ')');
    for (int i = AFTER_NAME; at && (at = strchr(at, ' ')) && i <= SYSTEM; i++, at++)
        ticks += i >= USER ? strtoul(at, NULL, 10) : 0;
    return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

/* The process and all below it. */
static void
add_costs(struct bench_cost *cost, int pid)
{
    bool is_database = false;
    double seconds = seconds_of(pid, &is_database);
    char name[64], text[4096];
    char *at = text, *end;

    *(is_database ? &cost->database : &cost->broker) += seconds;
    snprintf(name, sizeof name, "task/%d/children", pid);
    read_proc(pid, name, text, sizeof text);
    for (long child; (child = strtol(at, &end, 10)) > 0; at = end)
        add_costs(cost, (int)child);
}

struct bench_cost
bench_cost(const struct bench_world *world)
{
    struct bench_cost cost = {.database = 0};

    add_costs(&cost, world->pid);
    return cost;
}
