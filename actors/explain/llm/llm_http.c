/* libcurl moves the bytes; each call has a timer of its own for what libcurl keeps no time of.
 *
 * An answer begins with the first byte of its body that is not blank: some servers pad an
 * answer with blanks while the model still thinks.
 */
#include "actors/explain/llm/llm_http.h"

#include <string.h>

#include "actors/kit/runtime/curl_loop.h"
#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/log.h"
#include "actors/kit/util/memory.h"

enum {
    HEAD_MAX = 64 * 1024, /* bytes of all header lines */
    STALL_BYTES = 64,     /* fewer in stall_ms are none */
    SPARE_MS = 1000,      /* libcurl's own time-out is a second line of defence */
};

struct llm_http {
    loop_t *loop;
    const settings_t *settings;
    curl_loop_t *curl;
    llm_call_t *calls;
};

struct llm_call {
    llm_http_t *http;
    CURL *easy;
    struct curl_slist *headers;
    char *body;
    size_t size, capacity, head_size;
    int64_t started_us, until_us; /* until: the deadline, or as long as a request may take */
    int64_t begun_us;             /* the answer; 0: not yet */
    int64_t window_us;            /* what came since then ... */
    size_t window_size;           /* ... is what is above this size */
    bool is_too_large;
    int timer;
    llm_reply_fn *fn;
    void *arg;
    llm_call_t *next;
};

static void
unlink_call(llm_call_t *self)
{
    llm_call_t **at = &self->http->calls;

    while (*at != self)
        at = &(*at)->next;
    *at = self->next;
}

static void
call_destroy(llm_call_t **self_p)
{
    llm_call_t *self = *self_p;

    if (!self)
        return;
    if (self->timer)
        loop_timer_end(self->http->loop, self->timer);
    if (self->easy)
        curl_loop_remove(self->http->curl, self->easy);
    curl_easy_cleanup(self->easy);
    curl_slist_free_all(self->headers);
    free(self->body);
    free(self);
    *self_p = NULL;
}

static int
status_of(const llm_call_t *self)
{
    long status = 0;

    curl_easy_getinfo(self->easy, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

/* Of the answer itself, not of one before it; "": there is none. */
static const char *
header(const llm_call_t *self, const char *name)
{
    struct curl_header *found;

    return curl_easy_header(self->easy, name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK
               ? found->value
               : "";
}

/* A status of failure is an answer even if its body did not come whole. */
static void
end_call(llm_call_t *self, enum llm_cause cause, bool is_ours)
{
    const char *exact = header(self, "retry-after-ms");
    struct llm_reply reply = {.cause = cause,
                              .status = status_of(self),
                              .body = self->body ? self->body : "",
                              .size = self->size,
                              .retry_after = header(self, "Retry-After"),
                              .retry_after_ms =
                                  exact[0] ? exact : header(self, "x-ms-retry-after-ms"),
                              .is_ours = is_ours,
                              .took_us = clock_us() - self->started_us};

    if (reply.status >= 400) {
        reply.cause = LLM_OK;
        reply.is_ours = false;
    }
    unlink_call(self);
    curl_loop_remove(self->http->curl, self->easy);
    self->fn(self->arg, &reply);
    call_destroy(&self);
}

static int64_t
least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t
time_of(const llm_call_t *self, CURLINFO what)
{
    curl_off_t us = 0;

    curl_easy_getinfo(self->easy, what, &us);
    return us;
}

static enum llm_cause
late_cause(const llm_call_t *self)
{
    if (self->begun_us)
        return LLM_TIMEOUT_TOTAL;
    if (time_of(self, CURLINFO_PRETRANSFER_TIME_T) > 0)
        return LLM_TIMEOUT_FIRST_BYTE;
    if (time_of(self, CURLINFO_NAMELOOKUP_TIME_T) == 0)
        return LLM_DNS;
    return time_of(self, CURLINFO_CONNECT_TIME_T) == 0 ? LLM_CONNECT : LLM_TLS;
}

/* How long the provider may take for what it is at, from the start on. */
static int64_t
budget_us(const llm_call_t *self, enum llm_cause cause)
{
    const settings_t *settings = self->http->settings;

    if (cause == LLM_TIMEOUT_TOTAL)
        return settings->llm_attempt_ms * 1000;
    if (cause == LLM_TIMEOUT_FIRST_BYTE)
        return least(settings->llm_first_byte_ms, settings->llm_attempt_ms) * 1000;
    return least(settings->llm_connect_ms, settings->llm_first_byte_ms) * 1000;
}

static void
end_late(llm_call_t *self)
{
    enum llm_cause cause = late_cause(self);

    end_call(self, cause, self->until_us - self->started_us < budget_us(self, cause));
}

static void on_due(void *arg);

static void
arm(llm_call_t *self)
{
    const settings_t *settings = self->http->settings;
    int64_t due_us = self->begun_us ? self->window_us + settings->llm_stall_ms * 1000
                                    : self->started_us + settings->llm_first_byte_ms * 1000;
    int64_t wait_us = least(due_us, self->until_us) - clock_us();

    if (self->timer)
        loop_timer_end(self->http->loop, self->timer);
    self->timer =
        loop_timer(self->http->loop, wait_us > 0 ? (uint32_t)((wait_us + 999) / 1000) : 0,
                   false, on_due, self);
}

static void
open_window(llm_call_t *self)
{
    self->window_us = clock_us();
    self->window_size = self->size;
    arm(self);
}

static void
on_due(void *arg)
{
    llm_call_t *self = arg;
    const settings_t *settings = self->http->settings;
    int64_t now_us = clock_us();

    self->timer = 0;
    if (now_us >= self->until_us ||
        (!self->begun_us && now_us >= self->started_us + settings->llm_first_byte_ms * 1000))
        end_late(self);
    else if (!self->begun_us || now_us < self->window_us + settings->llm_stall_ms * 1000)
        arm(self);
    else if (self->size - self->window_size < STALL_BYTES)
        end_call(self, LLM_STALLED, false);
    else
        open_window(self);
}

static size_t
on_header(char *line, size_t one, size_t size, void *arg)
{
    llm_call_t *self = arg;

    (void)line, (void)one;
    self->head_size += size;
    self->is_too_large = self->is_too_large || self->head_size > HEAD_MAX;
    return self->is_too_large ? 0 : size;
}

static bool
is_blank(const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!strchr(" \t\r\n", data[i]) || data[i] == '\0')
            return false;
    return true;
}

static void
grow(llm_call_t *self, size_t wanted, size_t most)
{
    size_t capacity = self->capacity ? self->capacity : 4096;

    while (capacity < wanted)
        capacity *= 2;
    if (capacity > most)
        capacity = most;
    if (capacity == self->capacity)
        return;
    self->body = tm_grown(self->body, capacity);
    self->capacity = capacity;
}

static size_t
on_body(char *data, size_t one, size_t size, void *arg)
{
    llm_call_t *self = arg;
    const size_t most = (size_t)self->http->settings->llm_max_answer_kb * 1024;

    (void)one;
    if (size > most - self->size) {
        self->is_too_large = true;
        return 0;
    }
    grow(self, self->size + size, most);
    memcpy(self->body + self->size, data, size);
    if (!self->begun_us && !is_blank(data, size)) {
        self->begun_us = clock_us();
        open_window(self);
    }
    self->size += size;
    return size;
}

/* X(what libcurl says, cause); anything else is a connection that was lost, or never was */
#define CODES(X)                                \
    X(CURLE_OK, LLM_OK)                         \
    X(CURLE_COULDNT_RESOLVE_HOST, LLM_DNS)      \
    X(CURLE_COULDNT_RESOLVE_PROXY, LLM_DNS)     \
    X(CURLE_SSL_CONNECT_ERROR, LLM_TLS)         \
    X(CURLE_PEER_FAILED_VERIFICATION, LLM_TLS)  \
    X(CURLE_SSL_CERTPROBLEM, LLM_TLS)           \
    X(CURLE_SSL_CIPHER, LLM_TLS)                \
    X(CURLE_SSL_CACERT_BADFILE, LLM_TLS)        \
    X(CURLE_SSL_ISSUER_ERROR, LLM_TLS)          \
    X(CURLE_SSL_INVALIDCERTSTATUS, LLM_TLS)     \
    X(CURLE_SSL_ENGINE_INITFAILED, LLM_TLS)     \
    X(CURLE_BAD_CONTENT_ENCODING, LLM_BAD_JSON) \
    X(CURLE_WEIRD_SERVER_REPLY, LLM_SCHEMA)     \
    X(CURLE_UNSUPPORTED_PROTOCOL, LLM_SCHEMA)   \
    X(CURLE_FILESIZE_EXCEEDED, LLM_TOO_LARGE)

static enum llm_cause
cause_of(const llm_call_t *self, CURLcode code)
{
    static const struct {
        CURLcode code;
        enum llm_cause cause;
    } rows[] = {
#define X(code, cause) {code, cause},
        CODES(X)
#undef X
    };

    if (self->is_too_large)
        return LLM_TOO_LARGE;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].code == code)
            return rows[i].cause;
    return LLM_CONNECT;
}

static void
on_ended(void *arg, CURLcode code)
{
    llm_call_t *self = arg;

    if (code != CURLE_OK)
        log_debug("llm.transfer_failed", "code=%d what=\"%s\"", (int)code,
                  curl_easy_strerror(code));
    if (code == CURLE_OPERATION_TIMEDOUT)
        end_late(self);
    else
        end_call(self, cause_of(self, code), false);
}

static bool
add_headers(llm_call_t *self, const char *const *lines)
{
    self->headers = curl_slist_append(NULL, "Expect:");
    for (; self->headers && *lines; lines++) {
        struct curl_slist *longer = curl_slist_append(self->headers, *lines);

        if (!longer)
            return false;
        self->headers = longer;
    }
    return self->headers;
}

/* A name that does not resolve would hold up the loop when its call ends: libcurl would wait
 * for the thread that looks it up, unless CURLOPT_QUICK_EXIT lets that thread end by itself. */
static bool
set_options(llm_call_t *self, const struct llm_request *request)
{
    const settings_t *settings = self->http->settings;
    const char *protocols = request->is_local ? "http,https" : "https";
    const curl_off_t most = (curl_off_t)settings->llm_max_answer_kb * 1024;
    const int64_t whole_us = self->until_us - self->started_us;
    const long spare_ms = (whole_us > 0 ? (long)(whole_us / 1000) : 0) + SPARE_MS;
    CURL *easy = self->easy;

    return !curl_easy_setopt(easy, CURLOPT_PRIVATE, self) &&
           !curl_easy_setopt(easy, CURLOPT_URL, request->url) &&
           !curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocols) &&
           !curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) &&
           !curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) &&
           !curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) &&
           !curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L) &&
           !curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L) &&
           !curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
           !curl_easy_setopt(easy, CURLOPT_USERAGENT, "tunemill/" TM_VERSION) &&
           !curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "") &&
           !curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, most) &&
           !curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)settings->llm_connect_ms) &&
           !curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, spare_ms) &&
           !curl_easy_setopt(easy, CURLOPT_HTTPHEADER, self->headers) &&
           !curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) &&
           !curl_easy_setopt(easy, CURLOPT_HEADERDATA, self) &&
           !curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) &&
           !curl_easy_setopt(easy, CURLOPT_WRITEDATA, self) &&
           (!request->is_local || !curl_easy_setopt(easy, CURLOPT_PROXY, "")) &&
           !curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->size) &&
           !curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, request->body);
}

llm_call_t *
llm_http_post(llm_http_t *self, const struct llm_request *request, llm_reply_fn *fn, void *arg)
{
    llm_call_t *call = zmalloc(sizeof(*call));
    int64_t now_us = clock_us();

    *call = (llm_call_t){
        .http = self,
        .started_us = now_us,
        .until_us = least(request->deadline_us, now_us + self->settings->llm_attempt_ms * 1000),
        .fn = fn,
        .arg = arg,
        .easy = curl_easy_init()};
    if (!call->easy || !add_headers(call, request->headers) || !set_options(call, request) ||
        !curl_loop_add(self->curl, call->easy)) {
        call_destroy(&call);
        return NULL;
    }
    call->next = self->calls;
    self->calls = call;
    arm(call);
    return call;
}

void
llm_http_cancel(llm_call_t **call_p)
{
    if (!*call_p)
        return;
    unlink_call(*call_p);
    call_destroy(call_p);
}

llm_http_t *
llm_http_new(loop_t *loop, const settings_t *settings)
{
    llm_http_t *self = zmalloc(sizeof(*self));

    *self =
        (llm_http_t){.loop = loop, .settings = settings, .curl = curl_loop_new(loop, on_ended)};
    if (!self->curl)
        llm_http_destroy(&self);
    return self;
}

void
llm_http_destroy(llm_http_t **self_p)
{
    llm_http_t *self = *self_p;

    if (!self)
        return;
    while (self->calls) {
        llm_call_t *call = self->calls;
        llm_http_cancel(&call);
    }
    curl_loop_destroy(&self->curl);
    free(self);
    *self_p = NULL;
}
