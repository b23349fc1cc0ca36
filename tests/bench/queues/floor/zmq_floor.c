/* Raw ZeroMQ round trips: DEALER client -> ROUTER/DEALER zmq_proxy -> DEALER workers -> back.
 * usage: zmq_floor tcp|ipc IN_FLIGHT N [WORKERS]     prints one JSON line
 * IN_FLIGHT 1 reports latency percentiles, otherwise messages/s. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <signal.h>
#include <sys/wait.h>
#include <sys/prctl.h>
#include <zmq.h>

enum { SIZE = 200 };
static double
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}
static int
by_value(const void *a, const void *b)
{
    double x = *(double *)a, y = *(double *)b;
    return x < y ? -1 : x > y;
}

static void *
open_socket(void *ctx, int type, const char *address, int bind)
{
    void *s = zmq_socket(ctx, type);
    int hwm = 0, linger = 0;
    zmq_setsockopt(s, ZMQ_SNDHWM, &hwm, sizeof hwm);
    zmq_setsockopt(s, ZMQ_RCVHWM, &hwm, sizeof hwm);
    zmq_setsockopt(s, ZMQ_LINGER, &linger, sizeof linger);
    if ((bind ? zmq_bind(s, address) : zmq_connect(s, address)) != 0) {
        perror(address);
        exit(1);
    }
    return s;
}

/* fork a helper process that dies with the parent */
static pid_t
spawn(void)
{
    pid_t p = fork();
    if (p == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    return p;
}

static void
worker(const char *address)
{
    void *s = open_socket(zmq_ctx_new(), ZMQ_DEALER, address, 0);
    for (;;) {
        zmq_msg_t id, body;
        zmq_msg_init(&id);
        zmq_msg_init(&body);
        if (zmq_msg_recv(&id, s, 0) < 0 || zmq_msg_recv(&body, s, 0) < 0)
            exit(0);
        zmq_msg_send(&id, s, ZMQ_SNDMORE);
        zmq_msg_send(&body, s, 0);
    }
}

static int in_flight, n;
static const char *transport;

/* Sends n, in_flight at most unanswered; the time of each, if there is one at a time. */
static double
round_trips(void *s, double *lat)
{
    char body[SIZE];
    int sent = 0, got = 0;

    memset(body, 'x', SIZE);
    for (int i = 0; i < 2000; i++) { /* warm up, all connected */
        zmq_send(s, body, SIZE, 0);
        zmq_recv(s, body, SIZE, 0);
    }
    double start = now(), mark = start;
    for (; sent < in_flight && sent < n; sent++)
        zmq_send(s, body, SIZE, 0);
    while (got < n) {
        zmq_recv(s, body, SIZE, 0);
        if (in_flight == 1) {
            double t = now();
            lat[got] = t - mark;
            mark = t;
        }
        got++;
        if (sent < n) {
            zmq_send(s, body, SIZE, 0);
            sent++;
        }
    }
    return now() - start;
}

static void
print(double took, double *lat)
{
    printf("{\"peer\":\"floor-zmq\",\"config\":\"%s\",\"n\":%d,", transport, n);
    if (in_flight == 1) {
        qsort(lat, n, sizeof *lat, by_value);
        printf("\"mode\":\"latency\",\"p50_us\":%.1f,\"p99_us\":%.1f}\n", lat[n / 2] * 1e6,
               lat[(int)(n * 0.99)] * 1e6);
    } else
        printf("\"mode\":\"roundtrip\",\"rate\":%.0f}\n", n / took);
}

static void
name_ends(char *front, char *back, size_t size)
{
    const char *directory = getenv("BENCH");

    if (strcmp(transport, "tcp") == 0) {
        snprintf(front, size, "tcp://127.0.0.1:25801");
        snprintf(back, size, "tcp://127.0.0.1:25802");
        return;
    }
    snprintf(front, size, "ipc://%s/zmq-front-%d", directory ? directory : ".", getpid());
    snprintf(back, size, "ipc://%s/zmq-back-%d", directory ? directory : ".", getpid());
}

int
main(int argc, char **argv)
{
    if (argc < 4)
        return fprintf(stderr, "usage: zmq_floor tcp|ipc IN_FLIGHT N [WORKERS]\n"), 2;
    int workers = argc > 4 ? atoi(argv[4]) : 2, k = 0;
    char front[100], back[100];
    pid_t kids[65];

    transport = argv[1];
    in_flight = atoi(argv[2]);
    n = atoi(argv[3]);
    name_ends(front, back, sizeof front);
    if ((kids[k++] = spawn()) == 0) {
        void *ctx = zmq_ctx_new();
        zmq_proxy(open_socket(ctx, ZMQ_ROUTER, front, 1), open_socket(ctx, ZMQ_DEALER, back, 1),
                  NULL);
        return 0;
    }
    for (int i = 0; i < workers && i < 64; i++)
        if ((kids[k++] = spawn()) == 0)
            worker(back);

    double *lat = malloc(sizeof *lat * n);
    double took = round_trips(open_socket(zmq_ctx_new(), ZMQ_DEALER, front, 0), lat);
    print(took, lat);
    for (int i = 0; i < k; i++)
        kill(kids[i], SIGKILL);
    while (wait(NULL) > 0)
        continue;
    if (strcmp(transport, "ipc") == 0) {
        unlink(front + 6);
        unlink(back + 6);
    }
    return 0;
}
