#include "actors/http/core/server.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "actors/http/core/answer.h"
#include "actors/http/core/dispatch.h"
#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/log.h"

enum {
    TURNS = 64,  /* of libmicrohttpd, before others have theirs */
    SPARE = 64,  /* connections above the limit, to be refused politely */
    FILES = 256, /* descriptors for everything else */
    CONNECTION_BYTES = 32768,
};

struct server {
    bridge_t *bridge;
    struct MHD_Daemon *daemon;
    int epoll; /* libmicrohttpd's set */
    int timer;
    int64_t timer_ms; /* when it is due; 0: none */
    bool has_resumed, is_running;
    char address[300];
};

/* --- running libmicrohttpd ---------------------------------------------------------------- */

static void on_due(void *arg);

static void
arm_timer(server_t *self, uint64_t delay_ms)
{
    uint32_t ms = delay_ms > 60000 ? 60000 : (uint32_t)delay_ms;
    int64_t due_ms = clock_ms() + ms;

    if (self->timer_ms && self->timer_ms <= due_ms)
        return; /* it will look again then */
    if (self->timer_ms)
        loop_timer_end(self->bridge->loop, self->timer);
    self->timer_ms = due_ms;
    self->timer = loop_timer(self->bridge->loop, ms, false, on_due, self);
}

static void
run_library(server_t *self)
{
    MHD_UNSIGNED_LONG_LONG delay_ms = 0;
    bool is_timed = true;

    if (self->is_running) /* from within: the outer one goes on */
        return;
    self->is_running = true;
    for (int turn = 0; turn < TURNS; turn++) {
        self->has_resumed = false;
        MHD_run(self->daemon);
        is_timed = MHD_get_timeout(self->daemon, &delay_ms) == MHD_YES;
        if (!self->has_resumed && !(is_timed && delay_ms == 0))
            break;
    }
    self->is_running = false;
    if (self->has_resumed)
        arm_timer(self, 0);
    else if (is_timed)
        arm_timer(self, delay_ms);
}

static void
on_due(void *arg)
{
    server_t *self = arg;

    self->timer_ms = 0;
    run_library(self);
}

static void
on_readable(void *arg)
{
    run_library(arg);
}

static void
on_turn_end(void *arg)
{
    server_t *self = arg;

    if (self->has_resumed)
        run_library(self);
}

/* The turn may be a foreign handler's, the client's, which tells of no end. */
static void
on_resume(void *arg)
{
    server_t *self = arg;

    self->has_resumed = true;
    arm_timer(self, 0);
}

/* --- callbacks of libmicrohttpd ----------------------------------------------------------- */

/* A request that is refused for its headers is answered before its body is read, which ends the
 * connection; one without a body is answered in its turn and keeps it. */
static bool
has_body(struct MHD_Connection *connection)
{
    const char *length =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");

    return (length && strcmp(length, "0") != 0) ||
           MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Transfer-Encoding");
}

static bool
is_full(const server_t *self)
{
    return connections_count(self->bridge->connections) >
           (size_t)self->bridge->settings->http_max_connections;
}

static enum MHD_Result
/* NOLINTNEXTLINE(*-size): the library's signature */
on_access(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
          const char *version, const char *data, size_t *size, void **state)
{
    server_t *self = cls;
    request_t *request = *state;

    (void)version;
    if (!request) {
        request = dispatch_new(self->bridge, connection, method, url);
        *state = request;
        dispatch_begin(request, is_full(self));
        return request_has_answer(request) && has_body(connection) ? answer_queue(request)
                                                                   : MHD_YES;
    }
    if (request_has_left(request))
        return MHD_NO;
    if (*size) {
        bool is_fine = dispatch_body(request, data, *size);
        *size = 0;
        return is_fine ? MHD_YES : MHD_NO;
    }
    dispatch_run(request);
    if (request_has_left(request))
        return MHD_NO;
    if (request_has_answer(request))
        return answer_queue(request);
    request_suspend(request);
    return MHD_YES;
}

static void
on_completed(void *cls, struct MHD_Connection *connection, void **state,
             enum MHD_RequestTerminationCode code)
{
    request_t *request = *state;

    (void)cls;
    (void)connection;
    (void)code;
    *state = NULL;
    if (request)
        request_ended(&request);
}

static void
on_connection(void *cls, struct MHD_Connection *connection, void **context,
              enum MHD_ConnectionNotificationCode code)
{
    server_t *self = cls;
    connections_t *connections = self->bridge->connections;

    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        connections_add(connections, connection, context);
    else
        connections_remove(connections, connection, context);
    meters_set(self->bridge->metrics, METRIC_HTTP_CONNECTIONS, NULL,
               (int64_t)connections_count(connections));
}

static size_t
on_escaped(void *cls, struct MHD_Connection *connection, char *text)
{
    (void)cls;
    (void)connection;
    return query_unescape(text);
}

static void on_message(void *cls, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

static void
on_message(void *cls, const char *format, va_list arguments)
{
    char text[512], quoted[600];
    int size = vsnprintf(text, sizeof(text), format, arguments);

    (void)cls;
    if (size < 0)
        return;
    if ((size_t)size >= sizeof(text))
        size = sizeof(text) - 1;
    log_debug("http.library", "what=%s", log_quote(text, (size_t)size, quoted, sizeof(quoted)));
}

/* --- starting ----------------------------------------------------------------------------- */

bool
server_split_address(const char *listen, char *host, size_t host_size, char *port,
                     size_t port_size)
{
    const char *colon = strrchr(listen, ':');
    size_t size;

    if (!colon || colon == listen || strlen(colon + 1) == 0 || strlen(colon + 1) >= port_size ||
        strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
        strtoul(colon + 1, NULL, 10) > 65535)
        return false;
    size = (size_t)(colon - listen);
    if (listen[0] == '[' && listen[size - 1] == ']') {
        listen++;
        size -= 2;
    } else if (memchr(listen, ':', size)) {
        return false;
    }
    if (size == 0 || size >= host_size)
        return false;
    memcpy(host, listen, size);
    host[size] = '\0';
    snprintf(port, port_size, "%s", colon + 1);
    return true;
}

static void
raise_file_limit(const settings_t *settings)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)settings->http_max_connections +
                    (rlim_t)settings->http_max_uploads + (rlim_t)settings->http_max_streams +
                    FILES;

    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur < wanted)
        log_warn("http.few_descriptors", "limit=%llu wanted=%llu",
                 (unsigned long long)limit.rlim_cur, (unsigned long long)wanted);
}

static struct MHD_Daemon *
start_library(server_t *self, const struct addrinfo *where)
{
    const settings_t *settings = self->bridge->settings;
    /* TURBO: it closes a descriptor without shutting the connection down, so that one can be
     * handed over (answer_take_connection). */
    unsigned flags =
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | MHD_USE_TURBO;

    if (where->ai_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    return MHD_start_daemon(
        flags, 0, NULL, NULL, on_access, self, MHD_OPTION_EXTERNAL_LOGGER, on_message, self,
        MHD_OPTION_SOCK_ADDR, where->ai_addr, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)settings->http_max_connections + SPARE, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_BYTES, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)settings->http_request_timeout_seconds, MHD_OPTION_LISTEN_BACKLOG_SIZE, 4096u,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_UNESCAPE_CALLBACK, on_escaped, NULL,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, self, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, self, MHD_OPTION_END);
}

static bool
listen_at(server_t *self, const char *listen)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *where = NULL;
    char host[256], port[8];
    const union MHD_DaemonInfo *info;

    if (!server_split_address(listen, host, sizeof(host), port, sizeof(port)) ||
        getaddrinfo(host, port, &hints, &where)) {
        log_error("http.bad_address",
                  "listen=\"%s\" what=\"http.listen is not an address and a port, as "
                  "127.0.0.1:8080\"",
                  listen);
        return false;
    }
    self->daemon = start_library(self, where);
    freeaddrinfo(where);
    if (!self->daemon) {
        log_error("http.listen_failed", "listen=\"%s\" errno=%d", listen, errno);
        return false;
    }
    info = MHD_get_daemon_info(self->daemon, MHD_DAEMON_INFO_BIND_PORT);
    snprintf(self->address, sizeof(self->address), strchr(host, ':') ? "[%s]:%u" : "%s:%u",
             host, (unsigned)info->port);
    self->epoll = MHD_get_daemon_info(self->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    return true;
}

server_t *
server_new(bridge_t *bridge)
{
    server_t *self = zmalloc(sizeof(*self));

    self->bridge = bridge;
    raise_file_limit(bridge->settings);
    bridge->connections = connections_new(bridge->loop, request_leave, on_resume, self);
    if (!bridge->connections || !listen_at(self, bridge->settings->http_listen)) {
        connections_destroy(&bridge->connections);
        free(self);
        return NULL;
    }
    loop_fd(bridge->loop, self->epoll, ZMQ_POLLIN, on_readable, self);
    loop_after(bridge->loop, on_turn_end, self);
    return self;
}

const char *
server_address(const server_t *self)
{
    return self->address;
}

void
server_quiesce(server_t *self)
{
    MHD_socket listening = MHD_quiesce_daemon(self->daemon);

    if (listening != MHD_INVALID_SOCKET)
        close(listening);
}

/* --- ending ------------------------------------------------------------------------------- */

static void
refuse_waiting(request_t *request)
{
    if (request_connection(request) && !request_is_gone(request))
        answer_fail(request, TM_DRAINING, "");
}

/* libmicrohttpd must not be stopped with suspended connections: each gets an answer first. */
static void
answer_all(server_t *self)
{
    request_walk(self->bridge, refuse_waiting);
    for (int turn = 0; turn < TURNS; turn++)
        MHD_run(self->daemon);
}

void
server_destroy(server_t **self_p)
{
    server_t *self = *self_p;

    if (!self)
        return;
    loop_fd_end(self->bridge->loop, self->epoll);
    self->is_running = true;
    answer_all(self);
    MHD_stop_daemon(self->daemon);
    while (self->bridge->requests) { /* what waited for an answer that will not come */
        request_t *request = self->bridge->requests;
        request_unref(&request);
    }
    connections_destroy(&self->bridge->connections);
    free(self);
    *self_p = NULL;
}
