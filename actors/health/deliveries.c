#include "actors/health/deliveries.h"

#include <string.h>

#include "actors/kit/runtime/curl_loop.h"
#include "actors/kit/runtime/log.h"

struct deliveries {
    loop_t *loop;
    const settings_t *settings;
    meters_t *meters;
    const char *url, *name;
    curl_loop_t *curl;
    struct curl_slist *headers;
    CURL *easy;                  /* NULL: none is under way */
    int timer;                   /* before the next attempt; 0: none */
    int tries;                   /* of the first text */
    char *texts[DELIVERIES_MAX]; /* first to last */
    size_t count;
};

static void start(deliveries_t *self);

static void
take_first(deliveries_t *self, const char *outcome)
{
    free(self->texts[0]);
    self->count--;
    memmove(self->texts, self->texts + 1, self->count * sizeof(self->texts[0]));
    self->tries = 0;
    meters_add(self->meters, METRIC_WEBHOOKS, outcome, 1);
}

static void
end_transfer(deliveries_t *self)
{
    if (self->easy)
        curl_loop_remove(self->curl, self->easy);
    curl_easy_cleanup(self->easy);
    self->easy = NULL;
}

static void
on_pause_over(void *arg)
{
    deliveries_t *self = arg;

    self->timer = 0;
    start(self);
}

/* Half of the pause is chance. */
static void
pause_then_start(deliveries_t *self)
{
    uint32_t ms = (uint32_t)self->settings->health_webhook_retry_ms << (self->tries - 1);

    self->timer = loop_timer(self->loop, ms / 2 + arc4random_uniform(ms / 2 + 1), false,
                             on_pause_over, self);
}

static void
note_failure(deliveries_t *self, CURLcode code, long status)
{
    log_warn("webhook.failed", "to=%s try=%d status=%ld error=%d", self->name, self->tries,
             status, (int)code);
    if (self->tries < DELIVERIES_TRIES) {
        pause_then_start(self);
        return;
    }
    take_first(self, "failed");
    start(self);
}

static void
on_ended(void *private, CURLcode code)
{
    deliveries_t *self = private;
    long status = 0;

    curl_easy_getinfo(self->easy, CURLINFO_RESPONSE_CODE, &status);
    end_transfer(self);
    if (code != CURLE_OK || status < 200 || status > 299) {
        note_failure(self, code, status);
        return;
    }
    take_first(self, "sent");
    start(self);
}

/* What they answer is of no interest. */
static size_t
on_data(char *data, size_t one, size_t size, void *arg)
{
    (void)data, (void)arg;
    return one * size;
}

static void
start(deliveries_t *self)
{
    if (self->count == 0 || self->easy || self->timer)
        return;
    self->tries++;
    self->easy = curl_easy_init();
    if (!self->easy) {
        note_failure(self, CURLE_OUT_OF_MEMORY, 0);
        return;
    }
    curl_easy_setopt(self->easy, CURLOPT_URL, self->url);
    curl_easy_setopt(self->easy, CURLOPT_PRIVATE, self);
    curl_easy_setopt(self->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(self->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(self->easy, CURLOPT_HTTPHEADER, self->headers);
    curl_easy_setopt(self->easy, CURLOPT_TIMEOUT_MS,
                     (long)self->settings->health_webhook_timeout_ms);
    curl_easy_setopt(self->easy, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(self->easy, CURLOPT_COPYPOSTFIELDS, self->texts[0]);
    if (!curl_loop_add(self->curl, self->easy)) {
        end_transfer(self);
        note_failure(self, CURLE_FAILED_INIT, 0);
    }
}

/* The first may be under way and stays: the one behind it is the oldest that can go. */
static void
make_room(deliveries_t *self)
{
    free(self->texts[1]);
    self->count--;
    memmove(self->texts + 1, self->texts + 2, (self->count - 1) * sizeof(self->texts[0]));
    meters_add(self->meters, METRIC_WEBHOOKS, "dropped", 1);
    log_warn("webhook.dropped", "to=%s", self->name);
}

void
deliveries_add(deliveries_t *self, char **text_p)
{
    char *text = *text_p;

    *text_p = NULL;
    if (!text)
        return;
    if (self->count == DELIVERIES_MAX)
        make_room(self);
    self->texts[self->count++] = text;
    start(self);
}

deliveries_t *
deliveries_new(loop_t *loop, const settings_t *settings, meters_t *meters, const char *url,
               const char *name)
{
    deliveries_t *self = zmalloc(sizeof(*self));

    *self =
        (deliveries_t){.loop = loop,
                       .settings = settings,
                       .meters = meters,
                       .url = url,
                       .name = name,
                       .curl = curl_loop_new(loop, on_ended),
                       .headers = curl_slist_append(NULL, "Content-Type: application/json")};
    if (!self->curl || !self->headers)
        deliveries_destroy(&self);
    return self;
}

void
deliveries_destroy(deliveries_t **self_p)
{
    deliveries_t *self = *self_p;

    if (!self)
        return;
    if (self->timer)
        loop_timer_end(self->loop, self->timer);
    end_transfer(self);
    curl_loop_destroy(&self->curl);
    curl_slist_free_all(self->headers);
    for (size_t i = 0; i < self->count; i++)
        free(self->texts[i]);
    free(self);
    *self_p = NULL;
}
