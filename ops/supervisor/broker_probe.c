#include "ops/supervisor/broker_probe.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PATIENCE_MS = 500, ENDPOINT_MAX = 300 };

static bool
is_refusal(int error)
{
    return error == ECONNREFUSED || error == ENOENT;
}

/* False: refused. */
static bool
connects(const struct addrinfo *at)
{
    const int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct pollfd polled = {.fd = fd, .events = POLLOUT};
    int error = fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) != 0 ? errno : 0;
    socklen_t error_size = sizeof error;

    if (error == EINPROGRESS) {
        error = 0;
        if (poll(&polled, 1, PATIENCE_MS) == 1)
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_size);
    }
    if (fd >= 0)
        close(fd);
    return !is_refusal(error);
}

/* Asked for datagrams, a stream's socket refuses in its own way, and its broker hears nothing.
 */
static bool
is_at_path(const char *path)
{
    struct sockaddr_un where = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof where.sun_path)
        return true;
    strcpy(where.sun_path, path);
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int error =
        fd >= 0 && connect(fd, (const struct sockaddr *)&where, sizeof where) != 0 ? errno : 0;

    if (fd >= 0)
        close(fd);
    return !is_refusal(error);
}

static bool
is_at_address(const char *address)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all = NULL;
    const char *colon = strrchr(address, ':');
    char host[ENDPOINT_MAX];
    bool is_there = false;

    if (!colon)
        return true;
    snprintf(host, sizeof host, "%.*s", (int)(colon - address), address);
    if (getaddrinfo(host, colon + 1, &hints, &all))
        return true;
    for (const struct addrinfo *at = all; at && !is_there; at = at->ai_next)
        is_there = connects(at);
    freeaddrinfo(all);
    return is_there;
}

static bool
is_there(const char *endpoint, bool has_keys)
{
    if (strncmp(endpoint, "ipc://", 6) == 0)
        return is_at_path(endpoint + 6);
    return has_keys || strncmp(endpoint, "tcp://", 6) != 0 || is_at_address(endpoint + 6);
}

bool
broker_probe(const char *brokers, bool has_keys)
{
    char endpoint[ENDPOINT_MAX];

    for (const char *at = brokers; *at;) {
        const size_t size = strcspn(at, ", ");

        if (size >= sizeof endpoint)
            return true;
        memcpy(endpoint, at, size);
        endpoint[size] = '\0';
        if (size && is_there(endpoint, has_keys))
            return true;
        at += size;
        at += strspn(at, ", ");
    }
    return false;
}
