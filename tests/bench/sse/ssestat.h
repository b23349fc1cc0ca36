/* What arrived at a load of streams, in counts and in times, and what it cost the server. */
#ifndef SSESTAT_H
#define SSESTAT_H

#include <stdbool.h>
#include <stdint.h>

struct sse_counts {
    uint64_t events, bytes, comments, gaps, missing, repeats, no_ts;
    uint64_t connects, failed, closed, bad_status;
    int64_t first, last; /* ns: the first event and the last */
};

/* Of the server and the machine at one time. */
struct sse_usage {
    long rss_kib, tcp_kib; /* the process; the kernel's memory for all of TCP */
    double cpu_s;
};

struct sse_run {
    struct sse_counts counts;
    struct sse_usage before, connected, end;
    long most_tcp_kib; /* seen since all were connected */
    double connect_s;
    int subscribers, deaf;
};

void sse_stat_lag(int64_t ns); /* one delivery's, from publishing */

/* A reader has the event of that number; true if it is the last of `readers`. */
bool sse_stat_seq(int64_t seq, int64_t lag_ns, unsigned readers);

struct sse_usage sse_usage(int pid);

/* One line of JSON. */
void sse_stat_report(const struct sse_run *run);

#endif
