/* What the stub does on a connection, act by act. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/support/llm/llm_stub_inner.h"
#include "tests/support/llm/llm_stub_text.h"

enum { DRIBBLE_MS = 10, FOREVER_MS = -1 };

static bool
send_all(struct llm_stub_connection *self, const char *data, size_t size)
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
send_text(struct llm_stub_connection *self, const char *text)
{
    return send_all(self, text, strlen(text));
}

/* False: the peer has gone, or the stub stops. */
static bool
wait_ms(struct llm_stub_connection *self, int ms)
{
    struct pollfd fds[] = {{.fd = self->fd, .events = POLLRDHUP},
                           {.fd = self->stub->stop, .events = POLLIN}};

    return poll(fds, 2, ms) == 0;
}

static void
answer(struct llm_stub_connection *self, int status, const char *headers, const char *body,
       size_t size)
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
answer_text(struct llm_stub_connection *self, int status, const char *headers, char *body)
{
    answer(self, status, headers, body, strlen(body));
    free(body);
}

static void
cut(struct llm_stub_connection *self)
{
    char *body = llm_stub_good(self->request, LLM_STUB_TEXT), head[200];

    snprintf(head, sizeof(head), "HTTP/1.1 200 Stub\r\nContent-Length: %zu\r\n\r\n",
             strlen(body));
    if (send_text(self, head))
        send_all(self, body, strlen(body) / 2);
    free(body);
}

static void
dribble(struct llm_stub_connection *self)
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
pad(struct llm_stub_connection *self)
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
flood(struct llm_stub_connection *self)
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
bomb(struct llm_stub_connection *self)
{
    size_t size;
    char *body = llm_stub_bomb(64u << 20, &size);

    answer(self, 200, "Content-Encoding: gzip\r\n", body, size);
    free(body);
}

static void
reset(struct llm_stub_connection *self)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    send_text(self, "HTTP/1.1 200 OK\r\nContent-Ty");
    wait_ms(self, DRIBBLE_MS); /* so that it is read before the reset */
    setsockopt(self->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

static void
gather(struct llm_stub_connection *self)
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

void
llm_stub_act(struct llm_stub_connection *self)
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
