/* A thread listens and starts one for each connection; each takes one request, acts, and ends.
 * What waits, waits for its peer to go or for the stub to stop, whichever is first. */
#include "tests/support/llm/llm_stub.h"

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

#include "tests/support/llm/llm_stub_inner.h"

enum { REQUEST_MAX = 1 << 20 };

/* --- connections -------------------------------------------------------------------------- */

static ssize_t
receive(struct llm_stub_connection *self, char *data, size_t size)
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
read_request(struct llm_stub_connection *self)
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

/* Counts the request and finds what to do. */
static void
take_step(struct llm_stub_connection *self)
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
end_connection(struct llm_stub_connection *self)
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
    struct llm_stub_connection *self = arg;
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
        llm_stub_act(self);
    }
    end_connection(self);
    return NULL;
}

static void
start(llm_stub_t *stub, int fd)
{
    struct llm_stub_connection *self = calloc(1, sizeof(*self));
    pthread_t thread;

    pthread_mutex_lock(&stub->lock);
    stub->connections++;
    stub->running++;
    pthread_mutex_unlock(&stub->lock);
    *self = (struct llm_stub_connection){.stub = stub, .fd = fd};
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
