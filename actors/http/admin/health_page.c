#include "actors/http/admin/health_page.h"

#include "actors/http/admin/health_cards.h"
#include "actors/http/admin/routes.def"
#include "actors/http/core/answer.h"
#include "actors/http/stream/streams.h"
#include "actors/http/web/web.h"
#include "actors/kit/fields/json_text.h"
#include "actors/kit/util/auto.h"
#include "actors/kit/util/clock.h"

enum { NEWS_MS = 5000 };

/* Browsers without JavaScript load it again by themselves. */
#define RELOAD "<noscript><meta http-equiv=\"refresh\" content=\"10\"></noscript>\n"

void
health_json(request_t *request)
{
    const bridge_t *bridge = request_bridge(request);
    tm_auto(json) health =
        components_json(bridge->board, bridge->settings, clock_ms(), clock_utc_ms());
    char *text = json_text_of(health, JSON_COMPACT);

    answer_json(request, &text);
}

void
health_page(request_t *request)
{
    const bridge_t *bridge = request_bridge(request);
    tm_auto(tm_text) cards =
        health_cards(bridge->board, bridge->settings, clock_ms(), clock_utc_ms());
    const struct web_page page = {"health", "Health", RELOAD, cards, true};

    web_page(request, &page);
}

/* --- news --------------------------------------------------------------------------------- */

struct health_news {
    bridge_t *bridge;
    int timer;
    uint64_t writes; /* told of */
};

static json_t *
component_states(const components_t *board, int64_t now_ms)
{
    json_t *components = json_object();
    struct component_view view;

    for (component_t i = 0; i < COMPONENT_COUNT; i++)
        if (components_view(board, i, now_ms, &view))
            json_object_set_new(components, view.name, json_string(view.word));
    return components;
}

static void
push_news(health_news_t *self)
{
    const components_t *board = self->bridge->board;
    const int64_t now_ms = clock_ms();
    char at[CLOCK_TEXT];
    tm_auto(json) event = NULL;
    char *text;

    self->writes = components_writes(board);
    if (!self->bridge->streams || streams_count(self->bridge->streams) == 0)
        return;
    event = json_pack("{s:s, s:s, s:{s:s, s:o}}", "topic", topic_name(TOPIC_SYSTEM_HEALTH),
                      "timestamp", clock_text(clock_utc_ms(), at), "payload", "overall_status",
                      components_word(components_overall(board, now_ms)), "components",
                      component_states(board, now_ms));
    text = json_text_of(event, JSON_COMPACT);
    if (text)
        streams_push(self->bridge->streams, &text);
}

static void
on_change(void *arg, component_t component)
{
    (void)component;
    push_news(arg);
}

static void
on_news_tick(void *arg)
{
    health_news_t *self = arg;

    if (components_writes(self->bridge->board) != self->writes)
        push_news(self);
}

health_news_t *
health_news_new(bridge_t *bridge)
{
    health_news_t *self = zmalloc(sizeof(*self));

    *self = (health_news_t){.bridge = bridge};
    self->timer = loop_timer(bridge->loop, NEWS_MS, true, on_news_tick, self);
    components_on_change(bridge->board, on_change, self);
    return self;
}

void
health_news_destroy(health_news_t **self_p)
{
    health_news_t *self = *self_p;

    if (!self)
        return;
    components_on_change(self->bridge->board, NULL, NULL);
    loop_timer_end(self->bridge->loop, self->timer);
    free(self);
    *self_p = NULL;
}
