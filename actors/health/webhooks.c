#include "actors/health/webhooks.h"

#include <stdio.h>
#include <string.h>

#include "actors/health/deliveries.h"
#include "actors/kit/util/auto.h"
#include "actors/kit/util/clock.h"

enum { LOOK_MS = 1000, LOOK_LEAST_MS = 20 };

struct webhooks {
    struct webhooks_options options;
    int timer;
    health_status_t told[COMPONENT_COUNT]; /* UNKNOWN: nothing was */
    deliveries_t *json, *slack;            /* NULL: nobody is there */
};

static char *
json_text(const webhooks_t *self, const struct component_view *view, health_status_t from)
{
    const int64_t now_ms = clock_ms(), utc_ms = clock_utc_ms();
    char since[CLOCK_TEXT], now[CLOCK_TEXT];
    tm_auto(json) notice = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s?, s:s?, s:s, s:s, s:s}", "service", "tunemill",
        "component", view->name, "title", view->title, "from", components_word(from), "to",
        view->word, "since", clock_text(utc_ms - view->since_ms, since), "error",
        view->error[0] ? view->error : NULL, "what_to_do",
        view->status == HEALTH_OK ? NULL : view->advice, "overall_status",
        components_word(components_overall(self->options.board, now_ms)), "version", TM_VERSION,
        "sent_at", clock_text(utc_ms, now));

    return json_dumps(notice, JSON_COMPACT);
}

/* Slack reads & < > as markup. */
static void
add_escaped(FILE *out, const char *text)
{
    for (; *text; text++) {
        const char *name = *text == '&'   ? "&amp;"
                           : *text == '<' ? "&lt;"
                           : *text == '>' ? "&gt;"
                                          : NULL;

        if (name)
            fputs(name, out);
        else
            fputc(*text, out);
    }
}

static char *
slack_text(const struct component_view *view, health_status_t from)
{
    static const char *const marks[] = {[HEALTH_OK] = ":large_green_circle:",
                                        [HEALTH_DEGRADED] = ":large_yellow_circle:",
                                        [HEALTH_ERROR] = ":red_circle:",
                                        [HEALTH_UNKNOWN] = ":white_circle:"};
    tm_auto(tm_text) text = NULL;
    tm_auto(json) notice = NULL;
    char since[CLOCK_TEXT];
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    fprintf(out, "%s *Tunemill: %s* is %s (was %s) since %s", marks[view->status], view->title,
            view->word, components_word(from),
            clock_text(clock_utc_ms() - view->since_ms, since));
    if (view->status != HEALTH_OK) {
        fputs("\n", out);
        add_escaped(out, view->error);
        fputs(".\n", out);
        add_escaped(out, view->advice);
    }
    fclose(out);
    notice = json_pack("{s:s}", "text", text);
    return json_dumps(notice, JSON_COMPACT);
}

static void
tell(webhooks_t *self, const struct component_view *view, health_status_t from)
{
    char *text;

    if (!self->options.has_duty(self->options.arg))
        return;
    if (self->json) {
        text = json_text(self, view, from);
        deliveries_add(self->json, &text);
    }
    if (self->slack) {
        text = slack_text(view, from);
        deliveries_add(self->slack, &text);
    }
}

/* The first status that is known is news only if something is wrong. */
static void
look(webhooks_t *self, component_t component)
{
    const double hold_ms = self->options.settings->health_webhook_hold_seconds * 1000;
    health_status_t from = self->told[component];
    struct component_view view;

    if (!components_view(self->options.board, component, clock_ms(), &view) ||
        view.status == HEALTH_UNKNOWN || view.status == from || (double)view.since_ms < hold_ms)
        return;
    self->told[component] = view.status;
    if (from != HEALTH_UNKNOWN || view.status != HEALTH_OK)
        tell(self, &view, from);
}

static void
on_look(void *arg)
{
    webhooks_t *self = arg;

    for (component_t i = 0; i < COMPONENT_COUNT; i++)
        look(self, i);
}

static bool
open_targets(webhooks_t *self)
{
    const struct webhooks_options *o = &self->options;

    if (o->settings->health_webhook_url[0])
        self->json = deliveries_new(o->loop, o->settings, o->meters,
                                    o->settings->health_webhook_url, "json");
    if (o->settings->health_slack_webhook_url[0])
        self->slack = deliveries_new(o->loop, o->settings, o->meters,
                                     o->settings->health_slack_webhook_url, "slack");
    return (self->json || !o->settings->health_webhook_url[0]) &&
           (self->slack || !o->settings->health_slack_webhook_url[0]);
}

webhooks_t *
webhooks_new(const struct webhooks_options *options)
{
    webhooks_t *self = zmalloc(sizeof(*self));
    const double hold_ms = options->settings->health_webhook_hold_seconds * 1000;

    *self = (webhooks_t){.options = *options};
    for (size_t i = 0; i < COMPONENT_COUNT; i++)
        self->told[i] = HEALTH_UNKNOWN;
    if (!open_targets(self)) {
        webhooks_destroy(&self);
        return NULL;
    }
    self->timer = loop_timer(
        options->loop, hold_ms < LOOK_MS ? LOOK_LEAST_MS + (uint32_t)hold_ms / 2 : LOOK_MS,
        true, on_look, self);
    return self;
}

void
webhooks_destroy(webhooks_t **self_p)
{
    webhooks_t *self = *self_p;

    if (!self)
        return;
    if (self->timer)
        loop_timer_end(self->options.loop, self->timer);
    deliveries_destroy(&self->json);
    deliveries_destroy(&self->slack);
    free(self);
    *self_p = NULL;
}
