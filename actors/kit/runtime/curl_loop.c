#include "actors/kit/runtime/curl_loop.h"

struct curl_loop {
    loop_t *loop;
    curl_ended_fn *fn;
    CURLM *multi;
    int timer; /* that libcurl wants; 0: none */
};

/* Runs libcurl for a descriptor or its timer, and tells what has ended. */
static void
run(curl_loop_t *self, curl_socket_t fd)
{
    int running, left;
    CURLMsg *message;

    curl_multi_socket_action(self->multi, fd, 0, &running);
    while ((message = curl_multi_info_read(self->multi, &left))) {
        CURLcode code = message->data.result;
        void *private = NULL;

        if (message->msg == CURLMSG_DONE &&
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private) == CURLE_OK)
            self->fn(private, code);
    }
}

static void
on_timer(void *arg)
{
    curl_loop_t *self = arg;

    self->timer = 0;
    run(self, CURL_SOCKET_TIMEOUT);
}

static int
set_timer(CURLM *multi, long ms, void *arg)
{
    curl_loop_t *self = arg;

    (void)multi;
    if (self->timer)
        loop_timer_end(self->loop, self->timer);
    self->timer = 0;
    if (ms >= 0)
        self->timer = loop_timer(self->loop, ms < INT32_MAX ? (uint32_t)ms : INT32_MAX, false,
                                 on_timer, self);
    return 0;
}

struct watch {
    curl_loop_t *curl;
    curl_socket_t fd;
};

static void
on_ready(void *arg)
{
    struct watch watch = *(struct watch *)arg; /* which libcurl may end now */

    run(watch.curl, watch.fd);
}

static int
set_watch(CURL *easy, curl_socket_t fd, int what, void *arg, void *watch_arg)
{
    curl_loop_t *self = arg;
    struct watch *watch = watch_arg;
    short events = 0;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        loop_fd_end(self->loop, fd);
        free(watch);
        return 0;
    }
    if (!watch) {
        watch = zmalloc(sizeof(*watch));
        *watch = (struct watch){self, fd};
        curl_multi_assign(self->multi, fd, watch);
    }
    if (what & CURL_POLL_IN)
        events |= ZMQ_POLLIN;
    if (what & CURL_POLL_OUT)
        events |= ZMQ_POLLOUT;
    loop_fd(self->loop, fd, events, on_ready, watch);
    return 0;
}

bool
curl_loop_add(curl_loop_t *self, CURL *easy)
{
    return curl_multi_add_handle(self->multi, easy) == CURLM_OK;
}

void
curl_loop_remove(curl_loop_t *self, CURL *easy)
{
    curl_multi_remove_handle(self->multi, easy);
}

curl_loop_t *
curl_loop_new(loop_t *loop, curl_ended_fn *fn)
{
    curl_loop_t *self;
    CURLM *multi;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return NULL;
    multi = curl_multi_init();
    if (!multi) {
        curl_global_cleanup();
        return NULL;
    }
    self = zmalloc(sizeof(*self));
    *self = (curl_loop_t){.loop = loop, .fn = fn, .multi = multi};
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, set_watch);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, self);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, self);
    return self;
}

void
curl_loop_destroy(curl_loop_t **self_p)
{
    curl_loop_t *self = *self_p;

    if (!self)
        return;
    curl_multi_cleanup(self->multi);
    if (self->timer)
        loop_timer_end(self->loop, self->timer);
    curl_global_cleanup();
    free(self);
    *self_p = NULL;
}
