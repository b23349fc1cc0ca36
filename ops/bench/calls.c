/* Calls a second: through the broker with the client and worker libraries, and, as its floor,
 * through a bare ROUTER/DEALER proxy. A caller with 256 unanswered, two servers that echo, each
 * a process. */
#include <czmq.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "ops/bench/bench.h"
#include "proto/client.h"
#include "proto/worker.h"

#define SERVICE    "bench"
#define WINDOW     256
#define SERVERS    2
#define GIVE_UP_MS 60000

struct calls {
    const struct bench_world *world;
    long long count;
    size_t payload;
    double *rate; /* shared: 0 until the caller has measured it */
    char front[128], back[128];
};

/* --- the floor: plain sockets ------------------------------------------------------------- */

static bool
be_proxy(void *arg)
{
    const struct calls *self = arg;
    zsock_t *front = zsock_new_router(self->front), *back = zsock_new_dealer(NULL);

    zsock_bind(back, "%s", self->back);
    zmq_proxy(zsock_resolve(front), zsock_resolve(back), NULL);
    return false;
}

static bool
be_echo(void *arg)
{
    const struct calls *self = arg;
    zsock_t *dealer = zsock_new_dealer(self->back);
    zmsg_t *message;

    while ((message = zmsg_recv(dealer)))
        zmsg_send(&message, dealer);
    return false;
}

static void
send_plain(zsock_t *dealer, size_t payload)
{
    zframe_t *frame = zframe_new(NULL, payload);

    zframe_send(&frame, dealer, 0);
}

static bool
be_plain_caller(void *arg)
{
    const struct calls *self = arg;
    zsock_t *dealer = zsock_new_dealer(self->front + 1); /* without the @ that binds */
    double before = bench_now();
    long long sent = 0;

    for (; sent < WINDOW; sent++)
        send_plain(dealer, self->payload);
    for (long long got = 0; got < self->count; got++) {
        zframe_t *frame = zframe_recv(dealer);
        zframe_destroy(&frame);
        if (sent++ < self->count)
            send_plain(dealer, self->payload);
    }
    *self->rate = (double)self->count / (bench_now() - before);
    return true;
}

/* --- the broker --------------------------------------------------------------------------- */

static bool
be_server(void *arg)
{
    const struct calls *self = arg;
    struct tm_worker_options options = {.brokers = self->world->broker,
                                        .actor = "bench",
                                        .queues = "",
                                        .services = SERVICE,
                                        .calls = WINDOW};
    tm_worker_t *worker = tm_worker_new(&options);
    tm_job_t *job;

    while (worker && tm_worker_next(worker, -1, &job) == TM_OK)
        tm_worker_done(worker, &job, false, tm_job_body(job).data, tm_job_body(job).size);
    tm_worker_destroy(&worker);
    return true;
}

struct caller {
    long long answered;
    bool is_refused; /* no server is there yet */
};

static void
on_return(void *arg, tm_err_t err, const char *detail, tm_str_t body)
{
    struct caller *self = arg;

    (void)detail, (void)body;
    self->is_refused = err != TM_OK;
    self->answered++;
}

static bool
call(const struct calls *self, tm_client_t *client, const void *body, struct caller *caller)
{
    const struct tm_call_spec spec = {.service = SERVICE,
                                      .deadline_ms = GIVE_UP_MS,
                                      .body = body,
                                      .body_size = self->payload};

    return tm_client_call(client, &spec, on_return, caller) == TM_OK;
}

/* One call at a time until a server answers. */
static void
await_server(const struct calls *self, tm_client_t *client, const void *body)
{
    struct caller caller = {.is_refused = true};

    while (caller.is_refused) {
        long long before = caller.answered;
        if (!call(self, client, body, &caller))
            return;
        while (caller.answered == before)
            if (tm_client_wait(client, GIVE_UP_MS) != TM_OK)
                return;
    }
}

static bool
be_caller(void *arg)
{
    const struct calls *self = arg;
    struct tm_client_options options = {.brokers = self->world->broker, .window = WINDOW};
    tm_client_t *client = tm_client_new(&options);
    char *body = zmalloc(self->payload + 1);
    struct caller caller = {.answered = 0};
    long long sent = 0;
    double before;

    await_server(self, client, body);
    before = bench_now();
    while (caller.answered < self->count && !caller.is_refused) {
        while (sent < self->count && call(self, client, body, &caller))
            sent++;
        if (tm_client_wait(client, GIVE_UP_MS) != TM_OK)
            return false;
    }
    if (!caller.is_refused)
        *self->rate = (double)self->count / (bench_now() - before);
    free(body);
    tm_client_destroy(&client);
    return true;
}

/* --- both --------------------------------------------------------------------------------- */

static void
end(pid_t pid)
{
    if (pid > 0 && kill(pid, SIGKILL) == 0)
        waitpid(pid, NULL, 0);
}

static void
run(struct calls *self, bench_part_fn *proxy, bench_part_fn *server, bench_part_fn *caller)
{
    pid_t others[1 + SERVERS] = {proxy ? bench_fork(proxy, self) : 0};
    pid_t pid;

    for (int i = 1; i <= SERVERS; i++)
        others[i] = bench_fork(server, self);
    pid = bench_fork(caller, self);
    if (pid > 0)
        waitpid(pid, NULL, 0);
    for (int i = 0; i <= SERVERS; i++)
        end(others[i]);
}

tm_err_t
bench_calls(const struct bench_world *world, long long count, long long payload, bool is_floor,
            double *ret)
{
    struct calls self = {.world = world,
                         .count = count,
                         .payload = (size_t)payload,
                         .rate = bench_share(sizeof(double))};

    snprintf(self.front, sizeof self.front, "@ipc://%s/front.sock", world->directory);
    snprintf(self.back, sizeof self.back, "ipc://%s/back.sock", world->directory);
    if (is_floor)
        run(&self, be_proxy, be_echo, be_plain_caller);
    else
        run(&self, NULL, be_server, be_caller);
    *ret = *self.rate;
    munmap(self.rate, sizeof(double));
    return *ret > 0 ? TM_OK : TM_INTERNAL;
}
