#define _GNU_SOURCE
#include "sseopt.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sse_options sse_options = {.host = "127.0.0.1",
                                  .path = "/",
                                  .ts_key = "\"ts\":",
                                  .seq_key = "\"seq\":",
                                  .subs = 100,
                                  .window = 256,
                                  .ts_unit = 1,
                                  .seconds = 30,
                                  .settle = 1,
                                  .dial_seconds = 15,
                                  .turnstile = -1};

static void
take_option(int o)
{
    switch (o) {
    case 'n':
        sse_options.subs = atoi(optarg);
        break;
    case 'e':
        sse_options.events = strtoull(optarg, NULL, 10);
        break;
    case 't':
        sse_options.seconds = atof(optarg);
        break;
    case 'T':
        sse_options.dial_seconds = atof(optarg);
        break;
    case 'w':
        sse_options.window = atoi(optarg);
        break;
    case 'k':
        sse_options.ts_key = optarg;
        break;
    case 'q':
        sse_options.seq_key = optarg;
        break;
    case 'u':
        sse_options.ts_unit = optarg[0] == 'n' ? 1 : optarg[0] == 'u' ? 1000 : 1000000;
        break;
    case 'p':
        sse_options.pid = atoi(optarg);
        break;
    case 'c':
        sse_options.churn = strtoull(optarg, NULL, 10);
        sse_options.reconnect = true;
        break;
    case 'z':
        sse_options.deaf = atoi(optarg);
        break;
    case 's':
        sse_options.settle = atof(optarg);
        break;
    case 'l':
        if ((sse_options.turnstile = open(optarg, O_RDWR | O_CLOEXEC)) < 0) {
            perror(optarg);
            exit(2);
        }
        break;
    case 'r':
        sse_options.reconnect = true;
        break;
    case 'H': {
        size_t l = strlen(sse_options.headers);
        snprintf(sse_options.headers + l, sizeof sse_options.headers - l, "%s\r\n", optarg);
        break;
    }
    default:
        exit(2);
    }
}

void
sse_options_read(int argc, char **argv)
{
    int o;

    while ((o = getopt(argc, argv, "n:e:t:T:w:k:q:u:H:p:c:z:s:l:r")) != -1)
        take_option(o);
    if (optind + 3 != argc) {
        fprintf(stderr, "usage: sseload [options] ADDRESS PORT PATH   (see README.md)\n");
        exit(2);
    }
    sse_options.host = argv[optind];
    sse_options.path = argv[optind + 2];
    sse_options.addr.sin_family = AF_INET;
    sse_options.addr.sin_port = htons((uint16_t)atoi(argv[optind + 1]));
    if (inet_pton(AF_INET, sse_options.host, &sse_options.addr.sin_addr) != 1) {
        fprintf(stderr, "sseload: not an IPv4 address: %s\n", sse_options.host);
        exit(2);
    }
}
