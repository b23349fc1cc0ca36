/* Whoever listens is found by way of /proc: a table names the socket of a port by its inode,
 * and the process that has it open has a link to socket:[inode]. */
#include "ops/supervisor/port_owner.h"

#include <dirent.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/kit/util/auto.h"

#define LISTENING 0x0a /* in the tables of /proc/net */

struct owner {
    long pid; /* 0: not seen */
    char name[64];
};

/* --- who holds it ------------------------------------------------------------------------- */

/* A line of the table: of its words the local address, the state and the inode count. 0: it is
 * another port's, or nobody listens. */
static unsigned long
read_line(char *line, unsigned port)
{
    enum { ADDRESS = 1, STATE = 3, INODE = 9, WORDS };
    char *words[WORDS], *rest = NULL;
    const char *colon;

    for (size_t i = 0; i < WORDS; i++) {
        words[i] = strtok_r(i == 0 ? line : NULL, " ", &rest);
        if (!words[i])
            return 0;
    }
    colon = strchr(words[ADDRESS], ':');
    if (!colon || strtoul(colon + 1, NULL, 16) != port ||
        strtoul(words[STATE], NULL, 16) != LISTENING)
        return 0;
    return strtoul(words[INODE], NULL, 10);
}

/* The inode of the socket that listens there; 0: none. */
static unsigned long
socket_of(const char *table, unsigned port)
{
    FILE *file = fopen(table, "re");
    unsigned long found = 0;
    char line[512];

    while (file && !found && fgets(line, sizeof line, file))
        found = read_line(line, port);
    if (file)
        fclose(file);
    return found;
}

static bool
has_open(const char *pid, const char *socket)
{
    char path[300], link[600], target[64];
    const struct dirent *entry;
    bool is_found = false;
    DIR *files;

    snprintf(path, sizeof path, "/proc/%.200s/fd", pid);
    files = opendir(path);
    while (files && !is_found && (entry = readdir(files))) {
        ssize_t size;

        snprintf(link, sizeof link, "%s/%s", path, entry->d_name);
        size = readlink(link, target, sizeof target - 1);
        target[size > 0 ? size : 0] = '\0';
        is_found = strcmp(target, socket) == 0;
    }
    if (files)
        closedir(files);
    return is_found;
}

/* As it was called: our own processes run /proc/self/exe, which says nothing. */
static void
read_name(const char *pid, char name[64])
{
    char path[300], called[300] = "";
    const char *slash;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%.200s/cmdline", pid);
    file = fopen(path, "re");
    if (file) {
        if (fread(called, 1, sizeof called - 1, file) == 0)
            called[0] = '\0';
        fclose(file);
    }
    slash = strrchr(called, '/');
    snprintf(name, 64, "%.60s", slash ? slash + 1 : called[0] ? called : "a program");
}

static struct owner
find_owner(unsigned port)
{
    unsigned long inode = socket_of("/proc/net/tcp", port);
    struct owner owner = {.pid = 0};
    const struct dirent *entry;
    char socket[64];
    DIR *processes;

    if (!inode)
        inode = socket_of("/proc/net/tcp6", port);
    if (!inode)
        return owner;
    snprintf(socket, sizeof socket, "socket:[%lu]", inode);
    processes = opendir("/proc");
    while (processes && !owner.pid && (entry = readdir(processes))) {
        const long pid = strtol(entry->d_name, NULL, 10);

        if (pid > 0 && has_open(entry->d_name, socket)) {
            owner.pid = pid;
            read_name(entry->d_name, owner.name);
        }
    }
    if (processes)
        closedir(processes);
    return owner;
}

/* --- whether it is free ------------------------------------------------------------------- */

static int
try_to_listen(const struct addrinfo *where)
{
    const int fd = socket(where->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int wrong = fd < 0 ? errno : 0;

    if (!wrong && (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) != 0 ||
                   bind(fd, where->ai_addr, where->ai_addrlen) != 0 || listen(fd, 1) != 0))
        wrong = errno;
    if (fd >= 0)
        close(fd);
    return wrong;
}

static void
explain(const char *listen, unsigned port, int wrong, char *detail, size_t size)
{
    const struct owner owner =
        wrong == EADDRINUSE ? find_owner(port) : (struct owner){.pid = 0};

    if (owner.pid)
        snprintf(detail, size,
                 "http.listen: %s is held by %s (process %ld); end it, or choose another port "
                 "with --http",
                 listen, owner.name, owner.pid);
    else
        snprintf(detail, size, "http.listen: cannot listen at %s: %s%s", listen,
                 strerror(wrong),
                 wrong == EADDRINUSE ? "; choose another port with --http" : "");
}

bool
port_is_free(const char *listen, char *detail, size_t size)
{
    const char *colon = strrchr(listen, ':');
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *where = NULL;
    char host[256];
    int wrong;

    if (!colon || (size_t)(colon - listen) >= sizeof host || strcmp(colon + 1, "0") == 0)
        return true;
    snprintf(host, sizeof host, "%.*s", (int)(colon - listen), listen);
    if (host[0] == '[' && host[strlen(host) - 1] == ']') {
        host[strlen(host) - 1] = '\0';
        memmove(host, host + 1, strlen(host));
    }
    if (getaddrinfo(host[0] ? host : NULL, colon + 1, &hints, &where))
        return true;
    wrong = try_to_listen(where);
    freeaddrinfo(where);
    if (wrong)
        explain(listen, (unsigned)strtoul(colon + 1, NULL, 10), wrong, detail, size);
    return !wrong;
}
