#include "tests/canary/bad_input.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/kit/util/clock.h"
#include "tests/support/patience.h"

enum { READ_BYTES = 65536 };

/* --- bytes -------------------------------------------------------------------------------- */

void
bytes_add(struct bytes *self, const void *data, size_t size)
{
    if (self->size + size + 1 > self->room) {
        self->room = (self->size + size + 1) * 2;
        self->data = realloc(self->data, self->room);
        ck_assert_ptr_nonnull(self->data);
    }
    if (size)
        memcpy(self->data + self->size, data, size);
    self->size += size;
    self->data[self->size] = '\0';
}

void
bytes_text(struct bytes *self, const char *text)
{
    bytes_add(self, text, strlen(text));
}

void
bytes_repeat(struct bytes *self, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes_text(self, text);
}

void
bytes_fini(struct bytes *self)
{
    free(self->data);
    *self = (struct bytes){0};
}

/* --- one connection ----------------------------------------------------------------------- */

static int
connect_bridge(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    in.sin_port = htons(bad_system_port());
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

/* false: nothing more will come */
static bool
take(int fd, struct bytes *text)
{
    char data[READ_BYTES];
    ssize_t got = recv(fd, data, sizeof(data), 0);

    if (got > 0)
        bytes_add(text, data, (size_t)got);
    return got > 0 || (got < 0 && errno == EAGAIN);
}

/* A peer that does not listen any more gets no more. */
static size_t
give(int fd, const struct bytes *request, size_t sent)
{
    ssize_t put = send(fd, request->data + sent, request->size - sent, MSG_NOSIGNAL);

    if (put < 0)
        return errno == EAGAIN ? sent : request->size;
    return sent + (size_t)put;
}

static bool
converse(int fd, const struct bytes *request, bool then_leave, struct bytes *text)
{
    int64_t end_ms = clock_ms() + PATIENCE_MS;
    size_t sent = 0;

    for (;;) {
        struct pollfd on = {fd, (short)(POLLIN | (sent < request->size ? POLLOUT : 0)), 0};
        int64_t left_ms = end_ms - clock_ms();

        if (then_leave && sent == request->size)
            return true;
        if (left_ms <= 0 || poll(&on, 1, (int)left_ms) <= 0)
            return false;
        if ((on.revents & (POLLIN | POLLHUP | POLLERR)) && !take(fd, text))
            return true;
        if (sent < request->size && (on.revents & POLLOUT))
            sent = give(fd, request, sent);
    }
}

void
bad_exchange(const struct bytes *request, bool then_leave, struct answer *ret)
{
    int fd = connect_bridge();

    *ret = (struct answer){0};
    bytes_text(&ret->text, "");
    ret->is_late = !converse(fd, request, then_leave, &ret->text);
    if (ret->text.size > 12 && strncmp(ret->text.data, "HTTP/1.1 ", 9) == 0)
        ret->status = (int)strtol(ret->text.data + 9, NULL, 10);
    close(fd);
}

void
answer_fini(struct answer *self)
{
    bytes_fini(&self->text);
}

/* --- what came ---------------------------------------------------------------------------- */

/* What only we should know. */
static const char *
leaked(const char *text)
{
    static const char *const words[] = {"SELECT", "INSERT",    "postgres", "sqlstate",
                                        "/tmp/",  "/dev/shm/", "/home/",   "/build",
                                        ".c:",    "backtrace"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strstr(text, words[i]))
            return words[i];
    return NULL;
}

static const char *
problem_fault(const struct answer *self, const char *code)
{
    const char *body = strstr(self->text.data, "\r\n\r\n");
    json_t *problem = body ? json_loads(body + 4, 0, NULL) : NULL;
    const char *said = json_string_value(json_object_get(problem, "code"));
    const char *fault = NULL;

    if (!strstr(self->text.data, "Content-Type: application/problem+json\r\n"))
        fault = "is not a problem";
    else if (!said || strcmp(said, code) != 0)
        fault = "has another code";
    else if (json_integer_value(json_object_get(problem, "status")) != self->status)
        fault = "has another status within";
    else if (strcmp(code, "VALIDATION_FAILED") == 0 &&
             json_array_size(json_object_get(problem, "errors")) == 0)
        fault = "names no field";
    else if ((self->status == 429 || self->status == 503) &&
             !strstr(self->text.data, "\r\nRetry-After: "))
        fault = "does not say when to try again";
    json_decref(problem);
    return fault;
}

const char *
answer_fault(const struct answer *self, int status, const char *code, const char *also)
{
    static char text[1000];
    const char *fault = NULL;

    if (self->is_late)
        fault = "did not end";
    else if (self->status != status)
        fault = "has another status";
    else if (status == 0 && self->text.size > 0)
        fault = "should not be";
    else if (leaked(self->text.data))
        fault = leaked(self->text.data);
    else if (code[0])
        fault = problem_fault(self, code);
    if (!fault && also && !strstr(self->text.data, also))
        fault = "lacks a text";
    if (!fault)
        return NULL;
    snprintf(text, sizeof(text), "answer %s (expected %d %s %s): %.700s", fault, status, code,
             also ? also : "", self->text.data);
    return text;
}
