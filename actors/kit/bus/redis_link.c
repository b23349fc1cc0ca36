#include "actors/kit/bus/redis_link.h"

#include <hiredis/async.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/runtime/log.h"

enum { BACKOFF_MS = 100, BACKOFF_MAX_MS = 2000, PORT = 6379 };

struct redis_link {
    loop_t *loop;
    loop_fn *on_up;
    void *arg;
    char host[256], path[256], password[256];
    int port, database;
    redisAsyncContext *context; /* NULL: not connected */
    bool is_up, is_ending;
    int fd;
    short wanted; /* events the loop watches for on it */
    int timer;    /* until the next attempt; 0: none */
    uint32_t backoff_ms;
};

static void
on_ready(void *arg)
{
    redis_link_t *self = arg;

    if (self->context && (self->wanted & ZMQ_POLLOUT))
        redisAsyncHandleWrite(self->context);
    if (self->context && (self->wanted & ZMQ_POLLIN))
        redisAsyncHandleRead(self->context);
}

static void
want(redis_link_t *self, short wanted)
{
    if (wanted == self->wanted)
        return;
    if (self->wanted)
        loop_fd_end(self->loop, self->fd);
    self->wanted = wanted;
    if (wanted)
        loop_fd(self->loop, self->fd, wanted, on_ready, self);
}

static void
add_read(void *arg)
{
    redis_link_t *self = arg;

    want(self, (short)(self->wanted | ZMQ_POLLIN));
}

static void
end_read(void *arg)
{
    redis_link_t *self = arg;

    want(self, (short)(self->wanted & ~ZMQ_POLLIN));
}

static void
add_write(void *arg)
{
    redis_link_t *self = arg;

    want(self, (short)(self->wanted | ZMQ_POLLOUT));
}

static void
end_write(void *arg)
{
    redis_link_t *self = arg;

    want(self, (short)(self->wanted & ~ZMQ_POLLOUT));
}

static void
cleanup(void *arg)
{
    want(arg, 0);
}

static void connect_now(void *arg);

static void
connect_later(redis_link_t *self)
{
    self->context = NULL;
    self->is_up = false;
    if (self->is_ending || self->timer)
        return;
    self->timer = loop_timer(self->loop, self->backoff_ms, false, connect_now, self);
    self->backoff_ms =
        self->backoff_ms * 2 < BACKOFF_MAX_MS ? self->backoff_ms * 2 : BACKOFF_MAX_MS;
}

static void
on_disconnected(const redisAsyncContext *context, int status)
{
    redis_link_t *self = context->data;

    if (status != REDIS_OK)
        log_warn("redis.lost", "what=\"the connection to Redis was lost\"");
    connect_later(self);
}

static void
on_connected(const redisAsyncContext *context, int status)
{
    redis_link_t *self = context->data;

    if (status != REDIS_OK)
        connect_later(self); /* hiredis frees the context */
}

static void
on_hello(void *arg, const redisReply *reply)
{
    redis_link_t *self = arg;

    if (!reply)
        return; /* lost again */
    if (reply->type == REDIS_REPLY_ERROR) {
        log_error("redis.refused", "what=\"Redis refuses the password or the database of "
                                   "events.redis_url\"");
        return; /* asked again when the server closes, or never: a person must correct it */
    }
    self->is_up = true;
    self->backoff_ms = BACKOFF_MS;
    self->on_up(self->arg);
}

static void
greet(redis_link_t *self)
{
    if (self->password[0])
        redis_link_ask(self, NULL, NULL, "AUTH %s", self->password);
    redis_link_ask(self, on_hello, self, "SELECT %d", self->database);
}

static void
connect_now(void *arg)
{
    redis_link_t *self = arg;
    redisAsyncContext *context = self->path[0] ? redisAsyncConnectUnix(self->path)
                                               : redisAsyncConnect(self->host, self->port);

    self->timer = 0;
    if (!context || context->err) {
        if (context)
            redisAsyncFree(context);
        connect_later(self);
        return;
    }
    self->context = context;
    self->fd = context->c.fd;
    context->data = self;
    context->ev.data = self;
    context->ev.addRead = add_read;
    context->ev.delRead = end_read;
    context->ev.addWrite = add_write;
    context->ev.delWrite = end_write;
    context->ev.cleanup = cleanup;
    redisAsyncSetConnectCallback(context, on_connected); /* begins to watch the descriptor */
    redisAsyncSetDisconnectCallback(context, on_disconnected);
    greet(self);
}

typedef struct {
    redis_reply_fn *fn;
    void *arg;
} question_t;

static void
on_reply(redisAsyncContext *context, void *reply, void *arg)
{
    question_t *question = arg;

    (void)context;
    if (question->fn)
        question->fn(question->arg, reply);
    free(question);
}

void
redis_link_ask(redis_link_t *self, redis_reply_fn *fn, void *arg, const char *format, ...)
{
    question_t *question = zmalloc(sizeof(*question));
    va_list arguments;
    int status = REDIS_ERR;

    *question = (question_t){fn, arg};
    va_start(arguments, format);
    if (self->context)
        status = redisvAsyncCommand(self->context, on_reply, question, format, arguments);
    va_end(arguments);
    if (status != REDIS_OK) {
        if (fn)
            fn(arg, NULL);
        free(question);
    }
}

bool
redis_link_is_up(const redis_link_t *self)
{
    return self->is_up;
}

/* redis://[:PASSWORD@]HOST[:PORT][/DATABASE], or unix://PATH */
#define ADDRESS "^redis://(:(.*)@)?([^:/@]+)(:([0-9]{1,5}))?(/([0-9]{1,4})?)?$|^unix://(/.*)$"

enum { PASSWORD = 2, HOST, PORT_DIGITS = 5, DATABASE = 7, PATH, PARTS };

/* False: it does not fit. */
static bool
copy(char *to, size_t room, const char *url, regmatch_t part)
{
    const size_t size = (size_t)(part.rm_eo - part.rm_so);

    if (part.rm_so < 0 || size >= room)
        return part.rm_so < 0;
    memcpy(to, url + part.rm_so, size);
    to[size] = '\0';
    return true;
}

static bool
parse(redis_link_t *self, const char *url)
{
    regmatch_t at[PARTS];
    regex_t shape;
    bool is_one;

    if (regcomp(&shape, ADDRESS, REG_EXTENDED) != 0)
        return false;
    is_one = regexec(&shape, url, PARTS, at, 0) == 0;
    regfree(&shape);
    if (is_one && at[PORT_DIGITS].rm_so >= 0)
        self->port = (int)strtol(url + at[PORT_DIGITS].rm_so, NULL, 10); /* digits, few */
    if (is_one && at[DATABASE].rm_so >= 0)
        self->database = (int)strtol(url + at[DATABASE].rm_so, NULL, 10);
    return is_one && self->port <= 65535 && self->database <= 1000 &&
           copy(self->password, sizeof(self->password), url, at[PASSWORD]) &&
           copy(self->host, sizeof(self->host), url, at[HOST]) &&
           copy(self->path, sizeof(self->path), url, at[PATH]);
}

redis_link_t *
redis_link_new(loop_t *loop, const char *url, loop_fn *on_up, void *arg)
{
    redis_link_t *self = zmalloc(sizeof(*self));

    *self = (redis_link_t){
        .loop = loop, .on_up = on_up, .arg = arg, .port = PORT, .backoff_ms = BACKOFF_MS};
    if (!parse(self, url)) {
        free(self);
        return NULL;
    }
    connect_now(self);
    return self;
}

void
redis_link_destroy(redis_link_t **self_p)
{
    redis_link_t *self = *self_p;

    if (!self)
        return;
    self->is_ending = true;
    if (self->timer)
        loop_timer_end(self->loop, self->timer);
    if (self->context)
        redisAsyncFree(self->context);
    free(self);
    *self_p = NULL;
}
