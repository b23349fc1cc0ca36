/* A stranger connects to a broker and says what nobody asked for: noise, handshakes that never
 * end, broken messages, and, as a worker nobody knows, words about jobs that others run. */
#include <czmq.h>
#include <libpq-fe.h>
#include <string.h>
#include <sys/un.h>

#include "proto/message.h"
#include "tests/chaos/chaos.h"
#include "tests/support/pairs.h"

enum { NOISE = 50, HALF = 100, FRAMES = 2000, ROUND_MS = 20 };

struct stranger {
    const struct link *link;
    uint64_t random;
    tm_uuid_t worker;
};

static int
connect_to(const struct link *link)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%.*s",
             (int)sizeof(address.sun_path) - 1, link->target);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static void
fill(struct stranger *self, uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)chaos_below(&self->random, 256);
}

static void
make_noise(struct stranger *self)
{
    for (int i = 0; i < NOISE; i++) {
        uint8_t data[1024];
        int fd = connect_to(self->link);

        fill(self, data, sizeof(data));
        if (i % 2) /* a ZMTP greeting, and noise behind it */
            memcpy(data, "\xff\0\0\0\0\0\0\0\1\x7f\3\0NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
                   32);
        if (fd >= 0 && send(fd, data, sizeof(data), MSG_NOSIGNAL) >= 0)
            shutdown(fd, SHUT_WR);
        if (fd >= 0)
            close(fd);
    }
}

/* They stay open until this process ends. */
static void
begin_handshakes(struct stranger *self)
{
    for (int i = 0; i < HALF; i++) {
        int fd = connect_to(self->link);
        if (fd >= 0)
            send(fd, "\xff\0\0\0\0\0\0\0\1\x7f\3", 1 + (size_t)i % 11, MSG_NOSIGNAL);
    }
}

static void
send_broken(struct stranger *self, zsock_t *dealer)
{
    for (int i = 0; i < FRAMES; i++) {
        uint8_t data[256];
        zmsg_t *out = zmsg_new();

        fill(self, data, sizeof(data));
        if (i % 2)
            data[0] = (uint8_t)(0x80 + i % 16); /* a map at least */
        zmsg_addmem(out, data, chaos_below(&self->random, sizeof(data)));
        if (i % 3)
            zmsg_addmem(out, data, 3);
        zmsg_send(&out, dealer);
        zmsg_destroy(&out);
    }
}

static void
say(zsock_t *dealer, const tm_msg_t *msg)
{
    zmsg_t *out = zmsg_new();

    if (tm_msg_append(out, msg) == TM_OK)
        zmsg_send(&out, dealer);
    zmsg_destroy(&out);
}

static void
say_hello(struct stranger *self, zsock_t *dealer)
{
    tm_msg_t msg = {.type = TM_MSG_HELLO,
                    .hello = {.actor = tm_str("stranger"),
                              .worker = self->worker,
                              .queues = tm_str("a,b"),
                              .credit = 0}};

    say(dealer, &msg);
}

static void
claim_job(zsock_t *dealer, const tm_uuid_t *job, uint64_t attempt)
{
    tm_msg_t holding = {.type = TM_MSG_HOLDING, .holding = {.job = *job, .attempt = attempt}};
    tm_msg_t done = {
        .type = TM_MSG_DONE, .done = {.job = *job, .attempt = attempt}, .body = {"stolen", 6}};
    tm_msg_t fail = {.type = TM_MSG_FAIL,
                     .fail = {.job = *job, .attempt = attempt, .code = tm_str("JOB_FAILED")}};

    say(dealer, &holding);
    say(dealer, &done);
    say(dealer, &fail);
}

static void
claim_running(zsock_t *dealer, PGconn *database)
{
    PGresult *rows = PQexec(database, "SELECT id, attempt FROM jobs WHERE state = 'running'");

    for (int i = 0; i < PQntuples(rows); i++) {
        tm_uuid_t job;
        if (tm_uuid_parse(PQgetvalue(rows, i, 0), 36, &job) == TM_OK)
            claim_job(dealer, &job, strtoull(PQgetvalue(rows, i, 1), NULL, 10));
    }
    PQclear(rows);
}

int
stranger_main(const char *directory, unsigned index)
{
    struct chaos_shared *shared = chaos_shared(directory);
    struct stranger self = {.link = chaos_link(shared, LINK_WORKERS, index % shared->brokers),
                            .random = shared->seed + index,
                            .worker = tm_uuid_new()};
    PGconn *database = PQconnectdb(shared->database);
    zsock_t *dealer = zsock_new(ZMQ_DEALER);

    zsock_set_linger(dealer, 0);
    if (zsock_connect(dealer, "ipc://%s", self.link->target) != 0)
        return 1;
    make_noise(&self);
    begin_handshakes(&self);
    send_broken(&self, dealer);
    for (;;) { /* until it is killed */
        say_hello(&self, dealer);
        claim_running(dealer, database);
        zclock_sleep(ROUND_MS);
    }
}
