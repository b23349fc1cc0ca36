#include "tests/support/stream_pool.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/patience.h"

enum { BACK_MS = 30, SOON_MS = PATIENCE_MS, EVENTS = 128 };

static int64_t
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
on_event(void *arg, const char *id, const char *type, const char *data)
{
    struct stream_client *self = arg;

    snprintf(self->last_type, sizeof(self->last_type), "%s", type);
    snprintf(self->last_data, sizeof(self->last_data), "%s", data);
    if (strcmp(type, "stream.reset") == 0) {
        self->resets++;
        return;
    }
    if (self->count == self->room) {
        self->room = self->room ? 2 * self->room : 64;
        self->ids = realloc(self->ids, self->room * sizeof(self->ids[0]));
        ck_assert_ptr_nonnull(self->ids);
    }
    self->ids[self->count++] = strtoll(id, NULL, 10);
}

void
stream_pool_start(struct stream_pool *self, uint16_t port, size_t count)
{
    *self = (struct stream_pool){.epoll = epoll_create1(EPOLL_CLOEXEC),
                                 .port = port,
                                 .clients = calloc(count, sizeof(self->clients[0])),
                                 .count = count};
    ck_assert_ptr_nonnull(self->clients);
    for (size_t i = 0; i < count; i++) {
        struct stream_client *client = &self->clients[i];

        client->pool = self;
        client->fd = -1;
        client->is_final = true;
        event_reader_init(&client->reader, client, on_event);
    }
}

static void
hang_up(struct stream_client *self)
{
    if (self->fd >= 0)
        close(self->fd);
    self->fd = -1;
    self->due_ms = now_ms() + BACK_MS;
    event_reader_end(&self->reader);
}

void
stream_pool_stop(struct stream_pool *self)
{
    for (size_t i = 0; i < self->count; i++) {
        hang_up(&self->clients[i]);
        event_reader_fini(&self->clients[i].reader);
        free(self->clients[i].ids);
    }
    free(self->clients);
    close(self->epoll);
}

static void
ask(struct stream_client *self)
{
    char request[700], last[200] = "";
    int size;

    if (self->reader.last_id[0])
        snprintf(last, sizeof(last), "Last-Event-ID: %s\r\n", self->reader.last_id);
    size = snprintf(request, sizeof(request),
                    "GET %s HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
                    "X-Admin-Token: " STREAM_TOKEN "\r\n%s\r\n",
                    self->path, last);
    if (send(self->fd, request, (size_t)size, MSG_NOSIGNAL) != size)
        hang_up(self);
}

static void
come(struct stream_client *self)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(self->pool->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = self};
    int small = 4096;

    self->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(self->fd, 0);
    if (self->is_deaf)
        setsockopt(self->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    self->head_size = 0;
    self->status = 0;
    self->reader.comments = 0;
    if (connect(self->fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        hang_up(self);
        return;
    }
    self->connects++;
    ask(self);
    if (self->fd >= 0 && !self->is_deaf)
        ck_assert_int_eq(epoll_ctl(self->pool->epoll, EPOLL_CTL_ADD, self->fd, &event), 0);
}

void
stream_client_open(struct stream_client *self, const char *path)
{
    snprintf(self->path, sizeof(self->path), "%s", path);
    self->is_final = false;
    self->due_ms = 0;
}

void
stream_client_cut(struct stream_client *self)
{
    hang_up(self);
}

void
stream_client_end(struct stream_client *self)
{
    hang_up(self);
    self->is_final = true;
}

bool
stream_client_is_open(const struct stream_client *self)
{
    return self->fd >= 0 && self->reader.comments > 0;
}

/* What stands behind the head of the answer; the head may come in pieces. */
static void
take(struct stream_client *self, const char *data, size_t size)
{
    while (size > 0 && self->status == 0) {
        ck_assert_uint_lt(self->head_size, sizeof(self->head) - 1);
        self->head[self->head_size++] = *data++;
        self->head[self->head_size] = '\0';
        size--;
        if (self->head_size >= 4 && strcmp(self->head + self->head_size - 4, "\r\n\r\n") == 0)
            self->status = (int)strtol(self->head + strlen("HTTP/1.1 "), NULL, 10);
    }
    event_reader_feed(&self->reader, data, size);
}

static void
read_all(struct stream_client *self)
{
    char data[65536];
    ssize_t size = recv(self->fd, data, sizeof(data), MSG_DONTWAIT);

    if (size > 0)
        take(self, data, (size_t)size);
    else if (size == 0 || (errno != EAGAIN && errno != EINTR))
        hang_up(self);
}

void
stream_pool_turn(struct stream_pool *self, int ms)
{
    struct epoll_event events[EVENTS];
    int count;

    for (size_t i = 0; i < self->count; i++)
        if (self->clients[i].fd < 0 && !self->clients[i].is_final &&
            now_ms() >= self->clients[i].due_ms)
            come(&self->clients[i]);
    count = epoll_wait(self->epoll, events, EVENTS, ms);
    for (int i = 0; i < count; i++) {
        struct stream_client *client = events[i].data.ptr;

        if (client->fd >= 0)
            read_all(client);
    }
}

void
stream_pool_until(struct stream_pool *self, bool (*is_so)(struct stream_pool *),
                  const char *what)
{
    int64_t give_up_ms = now_ms() + SOON_MS;

    while (!is_so(self)) {
        ck_assert_msg(now_ms() < give_up_ms, "still not: %s", what);
        stream_pool_turn(self, 10);
    }
}

bool
stream_pool_is_open(struct stream_pool *self)
{
    for (size_t i = 0; i < self->count; i++)
        if (!self->clients[i].is_final && !stream_client_is_open(&self->clients[i]))
            return false;
    return true;
}
