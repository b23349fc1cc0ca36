#include "actors/kit/runtime/federation.h"

#include <stdlib.h>
#include <string.h>

#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/federation_text.h"
#include "actors/kit/runtime/log.h"
#include "actors/kit/runtime/broker_settings.h"
#include "proto/client.h"

enum { PROCESSES_MOST = 512 };

/* One process, as it last said. */
struct process {
    char *actor, *instance, *text;
    size_t size;
    uint64_t seq;
    int64_t heard_ms;
};

struct federation {
    loop_t *loop;
    meters_t *meters;
    tm_client_t *client;
    bool watches;
    uint64_t seq;
    char *own; /* as it was last told */
    size_t own_size;
    int timer;
    struct process processes[PROCESSES_MOST];
    size_t count;
};

static void
forget(federation_t *self, struct process *process)
{
    free(process->actor);
    free(process->instance);
    free(process->text);
    *process = self->processes[--self->count];
}

static struct process *
find(federation_t *self, tm_str_t instance)
{
    for (size_t i = 0; i < self->count; i++)
        if (tm_str_is(instance, self->processes[i].instance))
            return &self->processes[i];
    return NULL;
}

static struct process *
add(federation_t *self, const struct tm_metrics *metrics)
{
    struct process *process = &self->processes[self->count];

    if (self->count == PROCESSES_MOST)
        return NULL;
    *process = (struct process){.actor = tm_str_dup(metrics->actor),
                                .instance = tm_str_dup(metrics->instance)};
    self->count++;
    return process;
}

static void
refuse(const struct tm_metrics *metrics, size_t line)
{
    char actor[100], instance[150];

    log_warn(
        "metrics.bad_report", "kind=%s instance=%s line=%zu",
        log_quote(metrics->actor.data, metrics->actor.size, actor, sizeof(actor)),
        log_quote(metrics->instance.data, metrics->instance.size, instance, sizeof(instance)),
        line);
}

/* By way of several brokers the same comes as often: only the first counts. */
static void
on_metrics(void *arg, const struct tm_metrics *metrics, tm_str_t text)
{
    federation_t *self = arg;
    struct process *process = find(self, metrics->instance);
    size_t line;

    if (tm_str_is(metrics->instance, meters_instance(self->meters)) ||
        (process && metrics->seq <= process->seq))
        return;
    if (!federation_text_check(text, metrics->actor, metrics->instance, &line)) {
        meters_add(self->meters, METRIC_MESSAGES_BAD, tm_err_name(TM_BAD_MESSAGE), 1);
        refuse(metrics, line);
        return;
    }
    process = process ? process : add(self, metrics);
    if (!process)
        return;
    free(process->text);
    process->text = tm_str_dup(text);
    process->size = text.size;
    process->seq = metrics->seq;
    process->heard_ms = clock_ms();
    if (metrics->has_last && metrics->last)
        process->heard_ms -= FEDERATION_FORGET_MS / 2; /* a scrape or two still see its last */
}

static void
report(federation_t *self, bool is_last)
{
    struct tm_metrics metrics = {.actor = tm_str(meters_actor(self->meters)),
                                 .instance = tm_str(meters_instance(self->meters)),
                                 .seq = ++self->seq,
                                 .watch = self->watches,
                                 .has_watch = self->watches,
                                 .last = is_last,
                                 .has_last = is_last};
    size_t size = 0;
    char *text = meters_render(self->meters, &size);

    if (!text)
        return;
    tm_client_report(self->client, &metrics, (tm_str_t){text, size});
    free(self->own);
    self->own = text;
    self->own_size = size;
}

static void
on_timer(void *arg)
{
    federation_t *self = arg;
    int64_t old_ms = clock_ms() - FEDERATION_FORGET_MS;

    for (size_t i = self->count; i-- > 0;)
        if (self->processes[i].heard_ms < old_ms)
            forget(self, &self->processes[i]);
    report(self, false);
}

federation_t *
federation_new(loop_t *loop, const settings_t *settings, meters_t *meters, bool watches)
{
    struct tm_client_options options = {.brokers = settings->broker_brokers,
                                        .curve = broker_settings_curve(settings)};
    federation_t *self = zmalloc(sizeof(*self));

    self->client = tm_client_new(&options);
    if (!self->client) {
        free(self);
        return NULL;
    }
    self->loop = loop;
    self->meters = meters;
    self->watches = watches;
    tm_client_on_metrics(self->client, on_metrics, self);
    tm_client_attach(self->client, loop_zloop(loop));
    report(self, false); /* nobody hears it yet */
    self->timer = loop_timer(loop, FEDERATION_REPORT_MS, true, on_timer, self);
    return self;
}

void
federation_destroy(federation_t **self_p)
{
    federation_t *self = *self_p;

    if (!self)
        return;
    report(self, true);
    loop_timer_end(self->loop, self->timer);
    while (self->count > 0)
        forget(self, &self->processes[self->count - 1]);
    tm_client_destroy(&self->client);
    free(self->own);
    free(self);
    *self_p = NULL;
}

char *
federation_render(const federation_t *self, size_t *ret_size)
{
    tm_str_t texts[PROCESSES_MOST + 1];
    size_t own_size = 0, size = 0;
    char *own = meters_render(self->meters, &own_size), *text = NULL;
    FILE *out = own ? open_memstream(&text, &size) : NULL;
    bool is_whole = false;

    if (out) {
        texts[0] = (tm_str_t){own, own_size};
        for (size_t i = 0; i < self->count; i++)
            texts[i + 1] = (tm_str_t){self->processes[i].text, self->processes[i].size};
        is_whole = federation_text_merge(out, texts, self->count + 1);
        is_whole = fclose(out) == 0 && is_whole;
    }
    free(own);
    if (!is_whole) {
        free(text);
        return NULL;
    }
    if (ret_size)
        *ret_size = size;
    return text;
}

double
federation_sum(const federation_t *self, metric_t metric, const char *label)
{
    const char *name = meters_name(metric);
    char count[100];
    double sum = 0;

    snprintf(count, sizeof(count), "%s%s", name, meters_is_histogram(metric) ? "_count" : "");
    if (self->own)
        sum = federation_text_sum((tm_str_t){self->own, self->own_size}, count, label);
    for (size_t i = 0; i < self->count; i++)
        sum += federation_text_sum((tm_str_t){self->processes[i].text, self->processes[i].size},
                                   count, label);
    return sum;
}

size_t
federation_processes(const federation_t *self, const char *actor)
{
    size_t count = strcmp(actor, meters_actor(self->meters)) == 0;

    for (size_t i = 0; i < self->count; i++)
        count += strcmp(self->processes[i].actor, actor) == 0;
    return count;
}

size_t
federation_brokers(const federation_t *self, size_t *ret_configured, const char **ret_silent)
{
    size_t alive = 0, count = 0;
    bool is_alive;
    const char *endpoint;

    *ret_silent = NULL;
    for (; (endpoint = tm_client_broker(self->client, count, &is_alive)); count++) {
        alive += is_alive;
        if (!is_alive)
            *ret_silent = endpoint;
    }
    *ret_configured = count;
    return alive;
}
