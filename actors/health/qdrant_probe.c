#include <stdio.h>
#include <string.h>

#include "actors/health/probes_inner.h"
#include "actors/kit/util/auto.h"
#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/curl_loop.h"

enum { TIMES = 5, ANSWER_MAX = 256 * 1024 };

struct qdrant {
    probes_t *probes;
    curl_loop_t *curl;
    CURL *easy; /* NULL: nothing is asked now */
    char *address, *text;
    size_t size;
    int timer;
    char last_error[COMPONENT_ERROR_MAX];
    int64_t last_error_utc_ms; /* 0: never */
};

static json_t *
count_of(const json_t *result, const char *name, const char *other)
{
    json_t *count = json_object_get(result, name);

    if (!json_is_integer(count))
        count = json_object_get(result, other);
    return json_is_integer(count) ? json_incref(count) : json_null();
}

json_t *
qdrant_read(const char *text, size_t size, const char *collection, char ret_status[32])
{
    tm_auto(json) answer = json_loadb(text, size, 0, NULL);
    const json_t *result = json_object_get(answer, "result");
    const char *status = json_string_value(json_object_get(result, "status"));

    if (!status)
        return NULL;
    snprintf(ret_status, 32, "%s", status);
    return json_pack("{s:s, s:o, s:o, s:s}", "collection", collection, "vectors_count",
                     count_of(result, "points_count", "vectors_count"), "segments_count",
                     count_of(result, "segments_count", "segments_count"), "collection_status",
                     status);
}

static void
add_last_error(const qdrant_t *self, json_t *details)
{
    char text[CLOCK_TEXT];

    if (!self->last_error_utc_ms)
        return;
    json_object_set_new(details, "last_error", json_string(self->last_error));
    json_object_set_new(details, "last_error_at",
                        json_string(clock_text(self->last_error_utc_ms, text)));
}

static void
tell_bad(qdrant_t *self, const char *what)
{
    const char *collection = self->probes->world.settings->health_qdrant_collection;
    struct component_report report = {.latency_us = -1,
                                      .details = json_pack("{s:s}", "collection", collection)};

    component_wrong(&report, HEALTH_ERROR, "%s", what);
    memcpy(self->last_error, report.error, sizeof(self->last_error));
    self->last_error_utc_ms = clock_utc_ms();
    add_last_error(self, report.details);
    probes_report(self->probes, COMPONENT_QDRANT, &report);
}

static void
tell_good(qdrant_t *self, json_t *details, const char *status, int64_t took_us)
{
    const char *collection = self->probes->world.settings->health_qdrant_collection;
    struct component_report report = {.latency_us = took_us, .details = details};

    if (strcmp(status, "green") != 0)
        component_wrong(&report, strcmp(status, "red") == 0 ? HEALTH_ERROR : HEALTH_DEGRADED,
                        "the collection is %s", status);
    add_last_error(self, details);
    probes_gauge(self->probes, METRIC_QDRANT_VECTORS, collection,
                 json_integer_value(json_object_get(details, "vectors_count")));
    probes_report(self->probes, COMPONENT_QDRANT, &report);
}

static void
tell(qdrant_t *self, CURLcode code, long status, int64_t took_us)
{
    const char *collection = self->probes->world.settings->health_qdrant_collection;
    char word[32], what[COMPONENT_ERROR_MAX];
    json_t *details;

    if (code != CURLE_OK) {
        snprintf(what, sizeof(what), "it cannot be asked: %s", curl_easy_strerror(code));
        tell_bad(self, what);
        return;
    }
    if (status != 200) {
        snprintf(what, sizeof(what), "asked for the collection %.100s it answers %ld",
                 collection, status);
        tell_bad(self, what);
        return;
    }
    details = qdrant_read(self->text ? self->text : "", self->size, collection, word);
    if (details)
        tell_good(self, details, word, took_us);
    else
        tell_bad(self, "its answer is not Qdrant's");
}

static size_t
on_data(char *data, size_t one, size_t size, void *arg)
{
    qdrant_t *self = arg;
    char *grown;

    size *= one;
    if (self->size + size > ANSWER_MAX)
        return 0;
    grown = realloc(self->text, self->size + size + 1);
    if (!grown)
        return 0;
    memcpy(grown + self->size, data, size);
    self->text = grown;
    self->size += size;
    return size;
}

static void
end(qdrant_t *self)
{
    if (self->easy)
        curl_loop_remove(self->curl, self->easy);
    curl_easy_cleanup(self->easy);
    self->easy = NULL;
    free(self->text);
    self->text = NULL;
    self->size = 0;
}

static void
on_ended(void *private, CURLcode code)
{
    qdrant_t *self = private;
    curl_off_t took_us = 0;
    long status = 0;

    curl_easy_getinfo(self->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(self->easy, CURLINFO_TOTAL_TIME_T, &took_us);
    tell(self, code, status, took_us);
    end(self);
}

static void
on_tick(void *arg)
{
    qdrant_t *self = arg;

    if (self->easy)
        return; /* its own time-out ends it */
    self->easy = curl_easy_init();
    if (!self->easy)
        return;
    curl_easy_setopt(self->easy, CURLOPT_URL, self->address);
    curl_easy_setopt(self->easy, CURLOPT_PRIVATE, self);
    curl_easy_setopt(self->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(self->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(self->easy, CURLOPT_TIMEOUT_MS,
                     (long)self->probes->world.settings->health_deadline_ms);
    curl_easy_setopt(self->easy, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(self->easy, CURLOPT_WRITEDATA, self);
    if (!curl_loop_add(self->curl, self->easy)) {
        tell_bad(self, "it cannot be asked");
        end(self);
    }
}

static char *
address_of(const settings_t *settings)
{
    CURL *curl = curl_easy_init();
    char *name = curl ? curl_easy_escape(curl, settings->health_qdrant_collection, 0) : NULL;
    size_t size = strlen(settings->health_qdrant_url);
    char *text = NULL;

    while (size > 0 && settings->health_qdrant_url[size - 1] == '/')
        size--;
    if (name && asprintf(&text, "%.*s/collections/%s", (int)size, settings->health_qdrant_url,
                         name) < 0)
        text = NULL;
    curl_free(name);
    curl_easy_cleanup(curl);
    return text;
}

qdrant_t *
qdrant_new(probes_t *probes)
{
    qdrant_t *self = zmalloc(sizeof(*self));
    loop_t *loop = probes->world.loop;

    *self = (qdrant_t){.probes = probes,
                       .curl = curl_loop_new(loop, on_ended),
                       .address = address_of(probes->world.settings)};
    if (!self->curl || !self->address) {
        tell_bad(self, "libcurl could not be started");
        return self;
    }
    self->timer =
        loop_timer(loop, (uint32_t)(TIMES * probes_interval_ms(probes)), true, on_tick, self);
    on_tick(self);
    return self;
}

void
qdrant_destroy(qdrant_t **self_p)
{
    qdrant_t *self = *self_p;

    if (!self)
        return;
    end(self);
    if (self->timer)
        loop_timer_end(self->probes->world.loop, self->timer);
    curl_loop_destroy(&self->curl);
    free(self->address);
    free(self);
    *self_p = NULL;
}
