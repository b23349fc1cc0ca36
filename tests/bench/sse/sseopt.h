/* What sseload is asked to do: its options, which README.md describes. */
#ifndef SSEOPT_H
#define SSEOPT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct sse_options {
    struct sockaddr_in addr;
    const char *host, *path, *ts_key, *seq_key;
    char headers[2048];
    int subs, deaf, window;
    int64_t ts_unit; /* ns per unit of the timestamp */
    uint64_t events, churn;
    double seconds, settle, dial_seconds;
    int pid, turnstile;
    bool reconnect;
};

extern struct sse_options sse_options;

/* Ends the program if they are wrong. */
void sse_options_read(int argc, char **argv);

#endif
