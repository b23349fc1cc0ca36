/* A thread listens and starts one for each connection; each takes one request, acts, and ends.
 * What waits, waits for its peer to go or for the stub to stop, whichever is first. */
#include "tests/support/llm_stub.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/llm_stub_text.h"

enum { KEPT = 4096, REQUEST_MAX = 1 << 20, DRIBBLE_MS = 10, FOREVER_MS = -1 };

struct llm_stub {
    int listener, stop; /* stop: readable when it is time */
    char url[64];
    SSL_CTX *tls;
    pthread_t thread;

    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    const struct llm_stub_step *steps;
    size_t step_count, requests, connections, waiting, running;
    char *kept[KEPT];
    bool is_stopping, is_released;
};

struct connection {
    llm_stub_t *stub;
    int fd;
    SSL *tls;
    char *request; /* head and body */
    struct llm_stub_step step;
};

/* --- bytes -------------------------------------------------------------------------------- */

static bool
send_all(struct connection *self, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = self->tls ? SSL_write(self->tls, data, size < 65536 ? (int)size : 65536)
                                 : send(self->fd, data, size, MSG_NOSIGNAL);

        if (sent <= 0)
            return false;
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

static bool
send_text(struct connection *self, const char *text)
{
    return send_all(self, text, strlen(text));
}

/* False: the peer has gone, or the stub stops. */
static bool
wait_ms(struct connection *self, int ms)
{
    struct pollfd fds[] = {{.fd = self->fd, .events = POLLRDHUP},
                           {.fd = self->stub->stop, .events = POLLIN}};

    return poll(fds, 2, ms) == 0;
}

static ssize_t
receive(struct connection *self, char *data, size_t size)
{
    struct pollfd fds[] = {{.fd = self->fd, .events = POLLIN},
                           {.fd = self->stub->stop, .events = POLLIN}};

    if (self->tls && SSL_pending(self->tls) > 0)
        return SSL_read(self->tls, data, (int)size);
    if (poll(fds, 2, -1) < 0 || fds[1].revents)
        return -1;
    return self->tls ? SSL_read(self->tls, data, (int)size) : recv(self->fd, data, size, 0);
}

/* Head and body, by Content-Length. */
static bool
read_request(struct connection *self)
{
    size_t size = 0, whole = 0;

    self->request = calloc(1, REQUEST_MAX + 1);
    while (self->request && size < REQUEST_MAX && (whole == 0 || size < whole)) {
        ssize_t got = receive(self, self->request + size, REQUEST_MAX - size);
        const char *end, *length;

        if (got <= 0)
            return false;
        size += (size_t)got;
        self->request[size] = '\0';
        end = strstr(self->request, "\r\n\r\n");
        length = strcasestr(self->request, "\r\nContent-Length:");
        if (end && whole == 0)
            whole = (size_t)(end + 4 - self->request) +
                    (length ? strtoul(length + 17, NULL, 10) : 0);
    }
    return whole > 0 && size >= whole;
}

/* --- acts --------------------------------------------------------------------------------- */

static void
answer(struct connection *self, int status, const char *headers, const char *body, size_t size)
{
    char head[2048];

    snprintf(head, sizeof(head),
             "HTTP/1.1 %d Stub\r\nContent-Type: application/json\r\n%sContent-Length: "
             "%zu\r\nConnection: close\r\n\r\n",
             status, headers ? headers : "", size);
    if (send_text(self, head))
        send_all(self, body, size);
}

static void
answer_text(struct connection *self, int status, const char *headers, char *body)
{
    answer(self, status, headers, body, strlen(body));
    free(body);
}

static void
cut(struct connection *self)
{
    char *body = llm_stub_good(self->request, LLM_STUB_TEXT), head[200];

    snprintf(head, sizeof(head), "HTTP/1.1 200 Stub\r\nContent-Length: %zu\r\n\r\n",
             strlen(body));
    if (send_text(self, head))
        send_all(self, body, strlen(body) / 2);
    free(body);
}

static void
dribble(struct connection *self)
{
    char *body = llm_stub_good(self->request, LLM_STUB_TEXT), head[200];
    size_t size = strlen(body);

    snprintf(head, sizeof(head), "HTTP/1.1 200 Stub\r\nContent-Length: %zu\r\n\r\n", size);
    if (send_text(self, head))
        for (size_t i = 0; i < size && send_all(self, body + i, 1); i++)
            if (!wait_ms(self, DRIBBLE_MS))
                break;
    free(body);
}

static void
pad(struct connection *self)
{
    char *body = llm_stub_good(self->request, LLM_STUB_TEXT);
    int left = self->step.delay_ms;

    if (send_text(self, "HTTP/1.1 200 Stub\r\nConnection: close\r\n\r\n"))
        while (send_text(self, "\n") && wait_ms(self, DRIBBLE_MS))
            if (self->step.delay_ms && (left -= DRIBBLE_MS) <= 0) {
                send_text(self, body);
                break;
            }
    free(body);
}

static void
flood(struct connection *self)
{
    static const char blanks[] =
        "{\"x\":\"................................................"
        ".............................................................";

    if (!send_text(self, "HTTP/1.1 200 Stub\r\nConnection: close\r\n\r\n"))
        return;
    for (size_t sent = 0; sent < 100u << 20; sent += sizeof(blanks) - 1)
        if (!send_all(self, blanks, sizeof(blanks) - 1))
            return;
}

static void
bomb(struct connection *self)
{
    size_t size;
    char *body = llm_stub_bomb(64u << 20, &size);

    answer(self, 200, "Content-Encoding: gzip\r\n", body, size);
    free(body);
}

static void
reset(struct connection *self)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    send_text(self, "HTTP/1.1 200 OK\r\nContent-Ty");
    wait_ms(self, DRIBBLE_MS); /* so that it is read before the reset */
    setsockopt(self->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

static void
gather(struct connection *self)
{
    llm_stub_t *stub = self->stub;

    pthread_mutex_lock(&stub->lock);
    stub->waiting++;
    pthread_cond_broadcast(&stub->changed);
    while (stub->waiting < self->step.gather && !stub->is_stopping && !stub->is_released)
        pthread_cond_wait(&stub->changed, &stub->lock);
    pthread_mutex_unlock(&stub->lock);
    answer_text(self, 200, NULL, llm_stub_good(self->request, LLM_STUB_TEXT));
}

static void
act(struct connection *self)
{
    const struct llm_stub_step *step = &self->step;
    const char *text = step->body ? step->body : LLM_STUB_TEXT;

    if (step->delay_ms && step->act != STUB_PAD && !wait_ms(self, step->delay_ms))
        return;
    switch (step->act) {
    case STUB_GOOD:
        answer_text(self, 200, step->headers, llm_stub_good(self->request, text));
        return;
    case STUB_EMPTY:
        answer_text(self, 200, step->headers, llm_stub_good(self->request, " \n"));
        return;
    case STUB_ERROR_IN_200:
        answer_text(self, 200, NULL,
                    strdup("{\"error\":{\"message\":\"upstream died\",\"code\":502}}"));
        return;
    case STUB_BODY:
        answer_text(self, step->status ? step->status : 200, step->headers,
                    strdup(step->body ? step->body : ""));
        return;
    case STUB_CUT:
        cut(self);
        return;
    case STUB_DRIBBLE:
        dribble(self);
        return;
    case STUB_PAD:
        pad(self);
        return;
    case STUB_HUGE:
        flood(self);
        return;
    case STUB_BOMB:
        bomb(self);
        return;
    case STUB_HANG:
        wait_ms(self, FOREVER_MS);
        return;
    case STUB_RESET:
        reset(self);
        return;
    case STUB_GATHER:
        gather(self);
        return;
    }
}

/* --- connections -------------------------------------------------------------------------- */

/* Counts the request and finds what to do. */
static void
take_step(struct connection *self)
{
    static const struct llm_stub_step good = {.act = STUB_GOOD};
    llm_stub_t *stub = self->stub;
    size_t n;

    pthread_mutex_lock(&stub->lock);
    n = stub->requests++;
    if (n < KEPT)
        stub->kept[n] = strdup(self->request);
    self->step = stub->step_count == 0
                     ? good
                     : stub->steps[n < stub->step_count ? n : stub->step_count - 1];
    pthread_mutex_unlock(&stub->lock);
}

static void
end_connection(struct connection *self)
{
    llm_stub_t *stub = self->stub;

    if (self->tls)
        SSL_free(self->tls);
    close(self->fd);
    free(self->request);
    free(self);
    pthread_mutex_lock(&stub->lock);
    stub->running--;
    pthread_cond_broadcast(&stub->changed);
    pthread_mutex_unlock(&stub->lock);
}

static void *
serve(void *arg)
{
    struct connection *self = arg;
    bool is_open = true;

    if (self->stub->tls) {
        const struct timeval limit = {.tv_sec = 10};

        setsockopt(self->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        self->tls = SSL_new(self->stub->tls);
        SSL_set_fd(self->tls, self->fd);
        is_open = SSL_accept(self->tls) == 1;
        ERR_clear_error();
    }
    if (is_open && read_request(self)) {
        take_step(self);
        act(self);
    }
    end_connection(self);
    return NULL;
}

static void
start(llm_stub_t *stub, int fd)
{
    struct connection *self = calloc(1, sizeof(*self));
    pthread_t thread;

    pthread_mutex_lock(&stub->lock);
    stub->connections++;
    stub->running++;
    pthread_mutex_unlock(&stub->lock);
    *self = (struct connection){.stub = stub, .fd = fd};
    ck_assert_int_eq(pthread_create(&thread, NULL, serve, self), 0);
    pthread_detach(thread); /* the stub waits until none is running */
}

static void *
listen_on(void *arg)
{
    llm_stub_t *self = arg;
    struct pollfd fds[] = {{.fd = self->listener, .events = POLLIN},
                           {.fd = self->stop, .events = POLLIN}};

    while (poll(fds, 2, -1) > 0 && !fds[1].revents) {
        int fd = accept4(self->listener, NULL, NULL, SOCK_CLOEXEC);

        if (fd >= 0)
            start(self, fd);
    }
    return NULL;
}

/* --- life --------------------------------------------------------------------------------- */

static void
open_listener(llm_stub_t *self)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);

    self->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(self->listener, (struct sockaddr *)&at, sizeof(at)), 0);
    ck_assert_int_eq(getsockname(self->listener, (struct sockaddr *)&at, &size), 0);
    ck_assert_int_eq(listen(self->listener, 512), 0);
    snprintf(self->url, sizeof(self->url), "%s://127.0.0.1:%u", self->tls ? "https" : "http",
             (unsigned)ntohs(at.sin_port));
}

static llm_stub_t *
create(SSL_CTX *tls)
{
    llm_stub_t *self = calloc(1, sizeof(*self));

    signal(SIGPIPE, SIG_IGN);
    self->tls = tls;
    self->stop = eventfd(0, EFD_CLOEXEC);
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->changed, NULL);
    open_listener(self);
    ck_assert_int_eq(pthread_create(&self->thread, NULL, listen_on, self), 0);
    return self;
}

llm_stub_t *
llm_stub_new(void)
{
    return create(NULL);
}

llm_stub_t *
llm_stub_tls_new(void)
{
    return create(llm_stub_certificate());
}

static void
stop_listening(llm_stub_t *self)
{
    const uint64_t one = 1;

    if (self->listener < 0)
        return;
    ck_assert_int_eq(write(self->stop, &one, sizeof(one)), sizeof(one));
    pthread_join(self->thread, NULL);
    close(self->listener);
    self->listener = -1;
}

void
llm_stub_refuse(llm_stub_t *self)
{
    stop_listening(self);
}

static void
forget(llm_stub_t *self)
{
    for (size_t i = 0; i < KEPT; i++) {
        free(self->kept[i]);
        self->kept[i] = NULL;
    }
    self->requests = self->connections = self->waiting = 0;
    self->is_released = false;
}

void
llm_stub_destroy(llm_stub_t **self_p)
{
    llm_stub_t *self = *self_p;

    if (!self)
        return;
    stop_listening(self);
    pthread_mutex_lock(&self->lock);
    self->is_stopping = true;
    pthread_cond_broadcast(&self->changed);
    while (self->running > 0)
        pthread_cond_wait(&self->changed, &self->lock);
    pthread_mutex_unlock(&self->lock);
    forget(self);
    pthread_mutex_destroy(&self->lock);
    pthread_cond_destroy(&self->changed);
    SSL_CTX_free(self->tls);
    close(self->stop);
    free(self);
    *self_p = NULL;
}

void
llm_stub_script(llm_stub_t *self, const struct llm_stub_step *steps, size_t count)
{
    pthread_mutex_lock(&self->lock);
    self->steps = steps;
    self->step_count = count;
    forget(self);
    pthread_mutex_unlock(&self->lock);
}

void
llm_stub_release(llm_stub_t *self)
{
    pthread_mutex_lock(&self->lock);
    self->is_released = true;
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
}

/* --- what it has seen --------------------------------------------------------------------- */

const char *
llm_stub_url(const llm_stub_t *self)
{
    return self->url;
}

size_t
llm_stub_requests(llm_stub_t *self)
{
    size_t count;

    pthread_mutex_lock(&self->lock);
    count = self->requests;
    pthread_mutex_unlock(&self->lock);
    return count;
}

size_t
llm_stub_connections(llm_stub_t *self)
{
    size_t count;

    pthread_mutex_lock(&self->lock);
    count = self->connections;
    pthread_mutex_unlock(&self->lock);
    return count;
}

char *
llm_stub_request(llm_stub_t *self, size_t n)
{
    char *copy = NULL;

    pthread_mutex_lock(&self->lock);
    if (n < KEPT && self->kept[n])
        copy = strdup(self->kept[n]);
    pthread_mutex_unlock(&self->lock);
    return copy;
}
