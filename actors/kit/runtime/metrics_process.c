#include "actors/kit/runtime/metrics_process.h"

#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "actors/kit/util/clock.h"

/* The number in the given place (from 0) of a file's first line, counted behind the last ')':
 * what stands before it may hold anything. -1: it cannot be read. */
static double
number_of(const char *path, int place)
{
    char line[1024] = "";
    const char *at = line;
    char *end;
    FILE *file = fopen(path, "re");
    double value;

    if (file && fgets(line, sizeof(line), file))
        at = strrchr(line, ')') ? strrchr(line, ')') + 1 : line;
    if (file)
        fclose(file);
    for (; *at && place > 0; place--) {
        at += strspn(at, " ");
        at += strcspn(at, " ");
    }
    value = strtod(at, &end);
    return end == at ? -1 : value;
}

int64_t
process_start_ms(void)
{
    double uptime = number_of("/proc/uptime", 0);
    double start = number_of("/proc/self/stat", 19) / (double)sysconf(_SC_CLK_TCK);

    if (start <= 0 || uptime < start)
        return clock_utc_ms(); /* metrics are made when a process starts: near enough */
    return clock_utc_ms() - (int64_t)((uptime - start) * 1000);
}

static long
open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    long count = -1; /* the directory's own */

    if (!dir)
        return -1;
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static double
resident_bytes(void)
{
    return number_of("/proc/self/statm", 1) * (double)sysconf(_SC_PAGESIZE);
}

static double
cpu_seconds(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return -1;
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* After a fork the two are two. */
void
process_instance(char text[PROCESS_INSTANCE_BYTES])
{
    static char known[PROCESS_INSTANCE_BYTES];
    static pid_t known_pid;
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    char host[64] = "";
    uint32_t random = 0;

    pthread_mutex_lock(&lock);
    if (known_pid != getpid()) {
        if (gethostname(host, sizeof(host) - 1) != 0)
            strcpy(host, "host");
        if (getentropy(&random, sizeof(random)) != 0)
            random = (uint32_t)clock_utc_ms() ^ (uint32_t)getpid();
        host[strcspn(host, "\"\\\n")] = '\0';
        snprintf(known, sizeof(known), "%s-%08x", host, random);
        known_pid = getpid();
    }
    memcpy(text, known, sizeof(known));
    pthread_mutex_unlock(&lock);
}

static void
print_one(FILE *out, const char *base, const char *name, const char *type, const char *help,
          double value)
{
    if (value >= 0)
        fprintf(out, "# HELP %s %s\n# TYPE %s %s\n%s{%s} %.3f\n", name, help, name, type, name,
                base, value);
}

void
process_print(FILE *out, const char *base, int64_t start_ms)
{
    print_one(out, base, "process_resident_memory_bytes", "gauge", "Resident memory",
              resident_bytes());
    print_one(out, base, "process_open_fds", "gauge", "Open file descriptors",
              (double)open_descriptors());
    print_one(out, base, "process_cpu_seconds_total", "counter", "User and system CPU time",
              cpu_seconds());
    print_one(out, base, "process_start_time_seconds", "gauge",
              "Start of the process since 1970", (double)start_ms / 1000);
    fprintf(out,
            "# HELP tunemill_build_info Version of this process\n"
            "# TYPE tunemill_build_info gauge\n"
            "tunemill_build_info{%s,version=\"%s\"} 1\n",
            base, TM_VERSION);
}
