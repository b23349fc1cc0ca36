#include "ssestat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* A histogram of latencies: 128 steps to each power of two of a nanosecond. */
enum { STEP = 7, BUCKETS = 64 << STEP };
static uint64_t hist[BUCKETS];

/* Per sequence number: how many readers have it, and the slowest. */
static struct by_seq {
    uint32_t n;
    int64_t worst;
} * seqs;
static size_t seqs_cap, seqs_len;

void
sse_stat_lag(int64_t ns)
{
    uint64_t v = ns < 1 ? 1 : (uint64_t)ns;
    int top = 63 - __builtin_clzll(v);
    uint64_t low = top >= STEP ? (v >> (top - STEP)) & ((1 << STEP) - 1) : 0;

    hist[((uint64_t)top << STEP) + low]++;
}

static double
quantile_ms(double q)
{
    uint64_t total = 0, seen = 0;

    for (int i = 0; i < BUCKETS; i++)
        total += hist[i];
    for (int i = 0; i < BUCKETS; i++)
        if ((seen += hist[i]) && (double)seen >= q * (double)total) {
            double base = (double)(1ULL << (i >> STEP));

            return base * (1 + (double)(i & ((1 << STEP) - 1)) / (1 << STEP)) / 1e6;
        }
    return 0;
}

bool
sse_stat_seq(int64_t seq, int64_t lag_ns, unsigned readers)
{
    if ((size_t)seq >= seqs_cap) {
        size_t cap = (size_t)seq * 2 + 1024;

        seqs = realloc(seqs, cap * sizeof(*seqs));
        if (!seqs)
            abort();
        memset(seqs + seqs_cap, 0, (cap - seqs_cap) * sizeof(*seqs));
        seqs_cap = cap;
    }
    if ((size_t)seq >= seqs_len)
        seqs_len = (size_t)seq + 1;
    if (lag_ns > seqs[seq].worst)
        seqs[seq].worst = lag_ns;
    return ++seqs[seq].n == readers;
}

/* The number after KEY in a file of the kernel's; 0 if there is none. */
static long
number_in(const char *path, const char *line_key, const char *key)
{
    FILE *file = fopen(path, "r");
    char line[256], *at;
    long number = 0;

    while (file && fgets(line, sizeof(line), file))
        if (!strncmp(line, line_key, strlen(line_key)) && (at = strstr(line, key))) {
            number = strtol(at + strlen(key), NULL, 10);
            break;
        }
    if (file)
        fclose(file);
    return number;
}

static double
cpu_s(int pid)
{
    char path[64], b[1024], *p;
    unsigned long u = 0, s = 0;
    FILE *f;
    size_t n;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    f = fopen(path, "r");
    if (!f)
        return 0;
    n = fread(b, 1, sizeof(b) - 1, f);
    fclose(f);
    b[n] = 0;
    p = strrchr(b, ')');
    if (p)
        sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &u, &s);
    return (double)(u + s) / (double)sysconf(_SC_CLK_TCK);
}

struct sse_usage
sse_usage(int pid)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    return (struct sse_usage){
        .rss_kib = number_in(path, "VmRSS:", "VmRSS:"),
        .tcp_kib =
            number_in("/proc/net/sockstat", "TCP:", " mem ") * (sysconf(_SC_PAGESIZE) / 1024),
        .cpu_s = cpu_s(pid),
    };
}

static int
by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Of the events that every reader has, how long the slowest took. */
static void
report_last(unsigned readers)
{
    int64_t *worst = calloc(seqs_len + 1, sizeof(*worst));
    size_t n = 0;

    for (size_t i = 0; i < seqs_len; i++)
        if (seqs[i].n >= readers)
            worst[n++] = seqs[i].worst;
    qsort(worst, n, sizeof(*worst), by_time);
    printf("\"last_sub_ms\":{\"n\":%zu,\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f},", n,
           n ? (double)worst[n / 2] / 1e6 : 0, n ? (double)worst[n * 99 / 100] / 1e6 : 0,
           n ? (double)worst[n - 1] / 1e6 : 0);
    free(worst);
}

static void
report_counts(const struct sse_counts *counts)
{
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"gaps", counts->gaps},
        {"missing", counts->missing},
        {"repeats", counts->repeats},
        {"no_ts", counts->no_ts},
        {"comments", counts->comments},
        {"connects", counts->connects},
        {"failed", counts->failed},
        {"closed", counts->closed},
        {"bad_status", counts->bad_status},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        printf("\"%s\":%llu,", rows[i].name, (unsigned long long)rows[i].value);
}

void
sse_stat_report(const struct sse_run *run)
{
    const struct sse_counts *counts = &run->counts;
    double span = (double)(counts->last - counts->first) / 1e9;
    struct rusage own;

    getrusage(RUSAGE_SELF, &own);
    printf("{\"subs\":%d,\"deaf\":%d,\"connect_s\":%.3f,\"events\":%llu,\"span_s\":%.3f,"
           "\"deliveries_per_s\":%.0f,\"mib_per_s\":%.1f,",
           run->subscribers, run->deaf, run->connect_s, (unsigned long long)counts->events,
           span, span > 0 ? (double)counts->events / span : 0,
           span > 0 ? (double)counts->bytes / span / 1048576 : 0);
    printf("\"lat_ms\":{\"p50\":%.3f,\"p99\":%.3f,\"p999\":%.3f,\"max\":%.3f},",
           quantile_ms(.5), quantile_ms(.99), quantile_ms(.999), quantile_ms(1));
    report_last((unsigned)(run->subscribers - run->deaf));
    report_counts(counts);
    printf("\"rss_kib\":{\"before\":%ld,\"connected\":%ld,\"end\":%ld,\"per_sub\":%.2f,"
           "\"per_sub_end\":%.2f},",
           run->before.rss_kib, run->connected.rss_kib, run->end.rss_kib,
           (double)(run->connected.rss_kib - run->before.rss_kib) / run->subscribers,
           (double)(run->end.rss_kib - run->before.rss_kib) / run->subscribers);
    printf("\"tcp_mib\":{\"connected\":%.1f,\"most\":%.1f},",
           (double)run->connected.tcp_kib / 1024, (double)run->most_tcp_kib / 1024);
    printf("\"server_cpu_s\":%.2f,\"load_cpu_s\":%.2f}\n",
           run->end.cpu_s - run->connected.cpu_s,
           (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec) +
               (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec) / 1e6);
}
