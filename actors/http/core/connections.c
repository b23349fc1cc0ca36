#include "actors/http/core/connections.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/kit/runtime/log.h"

enum { SEND_BUFFER = 262144 };

struct line {
    request_t *suspended; /* NULL: it is not */
    bool has_gone;        /* nothing more comes from the client */
};

struct connections {
    loop_t *loop;
    int epoll; /* tells of clients that leave */
    size_t count;
    void (*on_leave)(request_t *request);
    loop_fn *on_resume;
    void *arg;
};

/* One event at a time: what is done about one may take another off the set. */
static void
on_gone(void *arg)
{
    connections_t *self = arg;
    struct epoll_event event;

    while (epoll_wait(self->epoll, &event, 1, 0) == 1) {
        struct line *line = event.data.ptr;

        line->has_gone = true;
        if (line->suspended)
            self->on_leave(line->suspended);
    }
}

connections_t *
connections_new(loop_t *loop, void (*on_leave)(request_t *request), loop_fn *on_resume,
                void *arg)
{
    connections_t *self = zmalloc(sizeof(*self));

    *self = (connections_t){.loop = loop,
                            .epoll = epoll_create1(EPOLL_CLOEXEC),
                            .on_leave = on_leave,
                            .on_resume = on_resume,
                            .arg = arg};
    if (self->epoll < 0) {
        free(self);
        return NULL;
    }
    loop_fd(loop, self->epoll, ZMQ_POLLIN, on_gone, self);
    return self;
}

void
connections_destroy(connections_t **self_p)
{
    connections_t *self = *self_p;

    *self_p = NULL;
    if (!self)
        return;
    loop_fd_end(self->loop, self->epoll);
    close(self->epoll);
    free(self);
}

size_t
connections_count(const connections_t *self)
{
    return self->count;
}

static int
descriptor_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    return info ? info->connect_fd : -1;
}

static struct line *
line_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
        ->socket_context;
}

static void
watch_line(const connections_t *self, int operation, int fd, struct line *line)
{
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET, .data.ptr = line};

    if (epoll_ctl(self->epoll, operation, fd, &event))
        log_warn("http.watch_failed", "errno=%d", errno);
}

void
connections_add(connections_t *self, struct MHD_Connection *connection, void **context)
{
    struct line *line = zmalloc(sizeof(*line));
    int size = SEND_BUFFER, fd = descriptor_of(connection);

    *context = line;
    self->count++;
    watch_line(self, EPOLL_CTL_ADD, fd, line);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)))
        log_debug("http.socket_option_failed", "errno=%d", errno);
}

/* A descriptor that was handed over is still open, and would be told of. */
void
connections_remove(connections_t *self, struct MHD_Connection *connection, void **context)
{
    self->count--;
    epoll_ctl(self->epoll, EPOLL_CTL_DEL, descriptor_of(connection), NULL);
    free(*context);
    *context = NULL;
}

/* Setting the descriptor anew makes the set tell once more of a client that has left. */
void
connections_suspend(connections_t *self, struct MHD_Connection *connection, request_t *request)
{
    struct line *line = line_of(connection);

    MHD_suspend_connection(connection);
    line->suspended = request;
    if (line->has_gone)
        watch_line(self, EPOLL_CTL_MOD, descriptor_of(connection), line);
}

void
connections_resume(connections_t *self, struct MHD_Connection *connection)
{
    line_of(connection)->suspended = NULL;
    MHD_resume_connection(connection);
    self->on_resume(self->arg);
}
