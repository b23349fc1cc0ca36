/* The lock guards the queue, the limits and what was dropped; it is never held while anything
 * is sent, so that nobody who puts an event waits for the network. */
#include "actors/kit/sentry/sentry_sender.h"

#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/log.h"

enum { ANSWER_MAX = 65536, COMPLAIN_MS = 60000 };

struct waiting {
    enum sentry_category category;
    char id[SENTRY_ID_TEXT];
    char *payload;
};

struct sentry_sender {
    struct sentry_sender_options options;
    struct sentry_dsn dsn;
    pthread_t thread;
    CURL *curl;
    struct curl_slist *headers;
    atomic_int_fast64_t end_ms; /* 0: goes on */
    int64_t complain_ms;        /* not before */

    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    struct waiting queue[SENTRY_QUEUE];
    size_t first, count;
    struct sentry_limits limits;
    uint64_t dropped[SENTRY_OUTCOME_COUNT][SENTRY_CATEGORY_COUNT];
    bool has_dropped;
};

static const struct {
    const char *word, *reason;
} outcomes[SENTRY_OUTCOME_COUNT] = {
#define X(NAME, word, reason) {word, reason},
    SENTRY_OUTCOMES(X)
#undef X
};

const char *
sentry_outcome_name(enum sentry_outcome outcome)
{
    return outcomes[outcome].word;
}

void
sentry_sender_drop(sentry_sender_t *self, enum sentry_category category,
                   enum sentry_outcome outcome)
{
    pthread_mutex_lock(&self->lock);
    self->dropped[outcome][category]++;
    self->has_dropped = true;
    pthread_mutex_unlock(&self->lock);
    self->options.count(self->options.arg, outcome);
}

typedef uint64_t dropped_t[SENTRY_OUTCOME_COUNT][SENTRY_CATEGORY_COUNT];

/* Takes what was dropped so far; false: nothing was. */
static bool
take_dropped(sentry_sender_t *self, dropped_t ret)
{
    bool has_dropped;

    pthread_mutex_lock(&self->lock);
    has_dropped = self->has_dropped;
    self->has_dropped = false;
    memcpy(ret, self->dropped, sizeof(dropped_t));
    memset(self->dropped, 0, sizeof(dropped_t));
    pthread_mutex_unlock(&self->lock);
    return has_dropped;
}

static void
give_back(sentry_sender_t *self, dropped_t dropped)
{
    pthread_mutex_lock(&self->lock);
    for (unsigned i = 0; i < SENTRY_OUTCOME_COUNT; i++)
        for (unsigned j = 0; j < SENTRY_CATEGORY_COUNT; j++)
            self->dropped[i][j] += dropped[i][j];
    self->has_dropped = true;
    pthread_mutex_unlock(&self->lock);
}

static char *
report_text(dropped_t dropped)
{
    struct sentry_discard discards[SENTRY_OUTCOME_COUNT * SENTRY_CATEGORY_COUNT];
    size_t count = 0;

    for (unsigned i = 0; i < SENTRY_OUTCOME_COUNT; i++)
        for (unsigned j = 0; j < SENTRY_CATEGORY_COUNT; j++)
            if (dropped[i][j])
                discards[count++] = (struct sentry_discard){
                    outcomes[i].reason, (enum sentry_category)j, dropped[i][j]};
    return sentry_report_text(discards, count, clock_utc_ms());
}

static size_t
on_body(char *data, size_t one, size_t size, void *arg)
{
    size_t *so_far = arg;

    (void)data;
    *so_far += one * size;
    return *so_far > ANSWER_MAX ? 0 : one * size;
}

/* Not 0 ends the transfer: the process wants to end. */
static int
on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const sentry_sender_t *self = arg;
    const int64_t end_ms = atomic_load(&self->end_ms);

    (void)a, (void)b, (void)c, (void)d;
    return end_ms && clock_ms() >= end_ms;
}

static bool
open_curl(sentry_sender_t *self)
{
    char auth[sizeof(self->dsn.key) + 128];

    self->curl = curl_easy_init();
    if (!self->curl)
        return false;
    snprintf(auth, sizeof(auth),
             "X-Sentry-Auth: Sentry sentry_version=7, sentry_client=" SENTRY_CLIENT
             ", sentry_key=%s",
             self->dsn.key);
    self->headers = curl_slist_append(NULL, "Content-Type: application/x-sentry-envelope");
    self->headers = curl_slist_append(self->headers, "Expect:");
    self->headers = curl_slist_append(self->headers, auth);
    curl_easy_setopt(self->curl, CURLOPT_URL, self->dsn.url);
    curl_easy_setopt(self->curl, CURLOPT_HTTPHEADER, self->headers);
    curl_easy_setopt(self->curl, CURLOPT_USERAGENT, SENTRY_CLIENT);
    curl_easy_setopt(self->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(self->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(self->curl, CURLOPT_TIMEOUT_MS, (long)self->options.timeout_ms);
    curl_easy_setopt(self->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(self->curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(self->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(self->curl, CURLOPT_XFERINFODATA, self);
    return true;
}

static const char *
header(const sentry_sender_t *self, const char *name, size_t index)
{
    struct curl_header *found;

    return curl_easy_header(self->curl, name, index, CURLH_HEADER, -1, &found) == CURLHE_OK
               ? found->value
               : NULL;
}

static void
read_limits(sentry_sender_t *self, long status)
{
    const int64_t now_ms = clock_ms();
    const char *value = header(self, "X-Sentry-Rate-Limits", 0);

    pthread_mutex_lock(&self->lock);
    if (!value && status == 429)
        sentry_limits_refused(&self->limits, header(self, "Retry-After", 0), now_ms,
                              clock_utc_ms());
    for (size_t i = 1; value; i++) {
        sentry_limits_read(&self->limits, value, now_ms);
        value = header(self, "X-Sentry-Rate-Limits", i);
    }
    pthread_mutex_unlock(&self->lock);
}

/* Once a minute: it is a warning, for an error would come back here. */
static void
complain(sentry_sender_t *self, CURLcode code, long status)
{
    const char *what = header(self, "X-Sentry-Error", 0);
    char quoted[200];

    if (clock_ms() < self->complain_ms)
        return;
    self->complain_ms = clock_ms() + COMPLAIN_MS;
    if (code)
        what = curl_easy_strerror(code);
    log_warn("sentry.failed", "status=%ld curl=%d what=%s", status, (int)code,
             log_quote(what ? what : "", what ? strlen(what) : 0, quoted, sizeof(quoted)));
}

static enum sentry_outcome
post(sentry_sender_t *self, const char *text, size_t size)
{
    size_t answered = 0;
    long status = 0;
    CURLcode code;

    curl_easy_setopt(self->curl, CURLOPT_WRITEDATA, &answered);
    curl_easy_setopt(self->curl, CURLOPT_POSTFIELDS, text);
    curl_easy_setopt(self->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
    code = curl_easy_perform(self->curl);
    curl_easy_getinfo(self->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status)
        read_limits(self, status);
    if (code == CURLE_OK && status >= 200 && status < 300)
        return SENTRY_SENT;
    complain(self, code, status);
    return status == 429 ? SENTRY_LIMITED : SENTRY_FAILED;
}

/* item NULL: only the report of what was dropped. */
static enum sentry_outcome
send_envelope(sentry_sender_t *self, const struct waiting *item)
{
    dropped_t dropped;
    const bool has_dropped = take_dropped(self, dropped);
    char *payload = item ? scrub_json(self->options.scrub, item->payload) : NULL;
    char *told = has_dropped ? report_text(dropped) : NULL, *text = NULL;
    size_t size = 0;
    enum sentry_outcome outcome = SENTRY_FAILED;

    if (payload || !item)
        text = sentry_envelope_text(
            &(struct sentry_item){.id = item ? item->id : NULL,
                                  .category = item ? item->category : SENTRY_ERROR,
                                  .payload = payload,
                                  .report = told},
            clock_utc_ms(), &size);
    if (text)
        outcome = post(self, text, size);
    if (outcome != SENTRY_SENT && has_dropped)
        give_back(self, dropped);
    free(text);
    free(told);
    free(payload);
    return outcome;
}

static bool
is_limited(sentry_sender_t *self, enum sentry_category category)
{
    bool is;

    pthread_mutex_lock(&self->lock);
    is = sentry_limits_has(&self->limits, category, clock_ms());
    pthread_mutex_unlock(&self->lock);
    return is;
}

static void
deliver(sentry_sender_t *self, struct waiting *item)
{
    enum sentry_outcome outcome =
        is_limited(self, item->category) ? SENTRY_LIMITED : send_envelope(self, item);

    if (outcome == SENTRY_SENT)
        self->options.count(self->options.arg, SENTRY_SENT);
    else
        sentry_sender_drop(self, item->category, outcome);
    free(item->payload);
}

static void
send_report(sentry_sender_t *self)
{
    bool has_dropped;

    pthread_mutex_lock(&self->lock);
    has_dropped = self->has_dropped;
    pthread_mutex_unlock(&self->lock);
    if (!has_dropped)
        return;
    if (!is_limited(self, SENTRY_ERROR) || !is_limited(self, SENTRY_TRANSACTION))
        send_envelope(self, NULL);
}

/* Under the lock. */
static void
wait_for_more(sentry_sender_t *self)
{
    struct timespec until;

    if (!self->has_dropped) {
        pthread_cond_wait(&self->changed, &self->lock);
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += self->options.report_ms / 1000;
    until.tv_nsec += (long)(self->options.report_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    if (pthread_cond_timedwait(&self->changed, &self->lock, &until) == 0)
        return;
    pthread_mutex_unlock(&self->lock);
    send_report(self);
    pthread_mutex_lock(&self->lock);
}

/* False: it is time to end. */
static bool
take_next(sentry_sender_t *self, struct waiting *ret)
{
    int64_t end_ms;

    pthread_mutex_lock(&self->lock);
    while (self->count == 0 && !atomic_load(&self->end_ms))
        wait_for_more(self);
    end_ms = atomic_load(&self->end_ms);
    if (self->count == 0 || (end_ms && clock_ms() >= end_ms)) {
        pthread_mutex_unlock(&self->lock);
        return false;
    }
    *ret = self->queue[self->first];
    self->first = (self->first + 1) % SENTRY_QUEUE;
    self->count--;
    pthread_mutex_unlock(&self->lock);
    return true;
}

static void *
run(void *arg)
{
    sentry_sender_t *self = arg;
    struct waiting item;

    while (take_next(self, &item))
        deliver(self, &item);
    if (clock_ms() < atomic_load(&self->end_ms))
        send_report(self);
    return NULL;
}

static bool
start(sentry_sender_t *self)
{
    sigset_t all, before;
    bool is_started;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    is_started = pthread_create(&self->thread, NULL, run, self) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return is_started;
}

static void
release(sentry_sender_t **self_p)
{
    sentry_sender_t *self = *self_p;

    for (; self->count; self->count--) {
        free(self->queue[self->first].payload);
        self->first = (self->first + 1) % SENTRY_QUEUE;
    }
    curl_slist_free_all(self->headers);
    curl_easy_cleanup(self->curl);
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->lock);
    explicit_bzero(&self->dsn, sizeof(self->dsn));
    free(self);
    *self_p = NULL;
}

sentry_sender_t *
sentry_sender_new(const struct sentry_sender_options *options)
{
    sentry_sender_t *self = calloc(1, sizeof(*self));
    pthread_condattr_t attributes;

    if (!self)
        return NULL;
    self->options = *options;
    self->dsn = *options->dsn;
    self->options.dsn = &self->dsn;
    pthread_mutex_init(&self->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&self->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    if (!open_curl(self) || !start(self))
        release(&self);
    return self;
}

void
sentry_sender_destroy(sentry_sender_t **self_p)
{
    sentry_sender_t *self = *self_p;

    if (!self)
        return;
    pthread_mutex_lock(&self->lock);
    atomic_store(&self->end_ms, clock_ms() + self->options.end_ms);
    pthread_cond_signal(&self->changed);
    pthread_mutex_unlock(&self->lock);
    pthread_join(self->thread, NULL);
    release(self_p);
}

void
sentry_sender_put(sentry_sender_t *self, enum sentry_category category,
                  const char id[SENTRY_ID_TEXT], char **payload_p)
{
    char *payload = *payload_p;
    enum sentry_outcome outcome = SENTRY_SENT;

    *payload_p = NULL;
    pthread_mutex_lock(&self->lock);
    if (!payload)
        outcome = SENTRY_FAILED;
    else if (sentry_limits_has(&self->limits, category, clock_ms()))
        outcome = SENTRY_LIMITED;
    else if (self->count == SENTRY_QUEUE)
        outcome = SENTRY_OVERFLOW;
    if (outcome == SENTRY_SENT) {
        struct waiting *slot = &self->queue[(self->first + self->count++) % SENTRY_QUEUE];

        slot->category = category;
        snprintf(slot->id, sizeof(slot->id), "%s", id);
        slot->payload = payload;
        pthread_cond_signal(&self->changed);
    }
    pthread_mutex_unlock(&self->lock);
    if (outcome != SENTRY_SENT) {
        free(payload);
        sentry_sender_drop(self, category, outcome);
    }
}
