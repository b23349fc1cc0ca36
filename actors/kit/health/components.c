#include "actors/kit/health/components.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/kit/util/clock.h"

static const struct row {
    const char *name, *title, *members, *advice;
    int64_t stale_ms;
} rows[COMPONENT_COUNT] = {
#define C(NAME, name, title, stale_ms, members, advice) \
    {#name, title, members, advice, stale_ms},
    COMPONENTS(C)
#undef C
};

static const struct {
    const char *word;
    int rank;
} statuses[] = {
#define STATUS(NAME, word, rank) {word, rank},
    HEALTH_STATUSES(STATUS)
#undef STATUS
};

struct entry {
    health_status_t status;
    bool is_absent;
    int64_t latency_us;
    char error[COMPONENT_ERROR_MAX];
    json_t *details;
    int64_t value_ms; /* a probe came back; -1: never */
    int64_t heard_ms; /* it did, or was missed; -1: never */
    health_status_t shown;
    int64_t shown_ms; /* since when */
};

struct components {
    struct entry entries[COMPONENT_COUNT];
    uint64_t writes;
    components_fn *fn;
    void *arg;
};

components_t *
components_new(int64_t now_ms)
{
    components_t *self = calloc(1, sizeof(*self));

    if (!self)
        abort();
    for (size_t i = 0; i < COMPONENT_COUNT; i++)
        self->entries[i] = (struct entry){.status = HEALTH_UNKNOWN,
                                          .latency_us = -1,
                                          .error = "it has not been looked at yet",
                                          .value_ms = -1,
                                          .heard_ms = -1,
                                          .shown = HEALTH_UNKNOWN,
                                          .shown_ms = now_ms};
    return self;
}

void
components_destroy(components_t **self_p)
{
    components_t *self = *self_p;

    if (!self)
        return;
    for (size_t i = 0; i < COMPONENT_COUNT; i++)
        json_decref(self->entries[i].details);
    free(self);
    *self_p = NULL;
}

void
components_on_change(components_t *self, components_fn *fn, void *arg)
{
    self->fn = fn;
    self->arg = arg;
}

uint64_t
components_writes(const components_t *self)
{
    return self->writes;
}

static bool
is_stale(const components_t *self, component_t component, int64_t now_ms)
{
    const struct entry *entry = &self->entries[component];

    return entry->heard_ms >= 0 && !entry->is_absent &&
           now_ms - entry->heard_ms > rows[component].stale_ms;
}

static health_status_t
status_now(const components_t *self, component_t component, int64_t now_ms)
{
    return is_stale(self, component, now_ms) ? HEALTH_UNKNOWN : self->entries[component].status;
}

static void
look(components_t *self, component_t component, int64_t now_ms)
{
    struct entry *entry = &self->entries[component];
    health_status_t status = status_now(self, component, now_ms);

    if (status == entry->shown)
        return;
    entry->shown = status;
    entry->shown_ms = now_ms;
    if (self->fn)
        self->fn(self->arg, component);
}

static void
hear(components_t *self, component_t component, health_status_t status, const char *error,
     int64_t now_ms)
{
    struct entry *entry = &self->entries[component];

    entry->status = status;
    entry->heard_ms = now_ms;
    snprintf(entry->error, sizeof(entry->error), "%s", error);
    self->writes++;
    look(self, component, now_ms);
}

void
component_wrong(struct component_report *self, health_status_t status, const char *format, ...)
{
    va_list args;

    self->status = status;
    va_start(args, format);
    vsnprintf(self->error, sizeof(self->error), format, args);
    va_end(args);
}

void
components_set(components_t *self, component_t component, struct component_report *report,
               int64_t now_ms)
{
    struct entry *entry = &self->entries[component];

    if (report->details) {
        json_decref(entry->details);
        entry->details = report->details;
        report->details = NULL;
    }
    entry->latency_us = report->latency_us;
    entry->is_absent = report->is_absent;
    entry->value_ms = now_ms;
    hear(self, component, report->status, report->error, now_ms);
}

void
components_miss(components_t *self, component_t component, health_status_t status,
                const char *error, int64_t now_ms)
{
    self->entries[component].is_absent = false;
    hear(self, component, status, error, now_ms);
}

void
components_tick(components_t *self, int64_t now_ms)
{
    for (component_t i = 0; i < COMPONENT_COUNT; i++)
        look(self, i, now_ms);
}

const char *
components_word(health_status_t status)
{
    return statuses[status].word;
}

static bool
is_shown(const components_t *self, component_t component)
{
    return component != COMPONENT_REDIS || self->entries[component].heard_ms >= 0;
}

bool
components_view(const components_t *self, component_t component, int64_t now_ms,
                struct component_view *ret)
{
    const struct entry *entry = &self->entries[component];
    const struct row *row = &rows[component];

    if (!is_shown(self, component))
        return false;
    *ret =
        (struct component_view){.name = row->name,
                                .title = row->title,
                                .members = row->members,
                                .advice = row->advice,
                                .status = status_now(self, component, now_ms),
                                .is_absent = entry->is_absent,
                                .latency_us = entry->latency_us,
                                .age_ms = entry->value_ms < 0 ? -1 : now_ms - entry->value_ms,
                                .since_ms = now_ms - entry->shown_ms,
                                .details = entry->details};
    ret->word = components_word(ret->status);
    if (is_stale(self, component, now_ms))
        snprintf(ret->error, sizeof(ret->error),
                 "nothing was heard of it for %lld s; before that it was %s",
                 (long long)(now_ms - entry->heard_ms) / 1000, components_word(entry->status));
    else
        memcpy(ret->error, entry->error, sizeof(ret->error));
    return true;
}

static int
rank_of(const struct component_view *view)
{
    return view->is_absent ? -1 : statuses[view->status].rank;
}

health_status_t
components_overall(const components_t *self, int64_t now_ms)
{
    health_status_t worst = HEALTH_OK;
    struct component_view view;

    for (component_t i = 0; i < COMPONENT_COUNT; i++)
        if (components_view(self, i, now_ms, &view) && rank_of(&view) > statuses[worst].rank)
            worst = view.status;
    return worst;
}

void
components_order(const components_t *self, int64_t now_ms, component_t order[COMPONENT_COUNT],
                 size_t *ret_count)
{
    int ranks[COMPONENT_COUNT];
    struct component_view view;
    size_t count = 0, at;

    for (component_t i = 0; i < COMPONENT_COUNT; i++) {
        if (!components_view(self, i, now_ms, &view))
            continue;
        for (at = count; at > 0 && ranks[at - 1] < rank_of(&view); at--) {
            order[at] = order[at - 1];
            ranks[at] = ranks[at - 1];
        }
        order[at] = i;
        ranks[at] = rank_of(&view);
        count++;
    }
    *ret_count = count;
}

/* Whole when they are, else with three digits. */
static json_t *
milliseconds(int64_t us)
{
    return us < 0 ? json_null() : json_real((double)us / 1000);
}

/* NULL: it is empty, or was cut within a character. */
static json_t *
text_or_null(const char *text)
{
    return text[0] ? json_string(text) : NULL;
}

static json_t *
moment(int64_t utc_ms)
{
    char text[CLOCK_TEXT];

    return json_string(clock_text(utc_ms, text));
}

/* Every member of the row, in its order; what is not known is null. */
static void
add_members(json_t *object, const struct component_view *view)
{
    const char *at = view->members;

    while (*at) {
        size_t size = strcspn(at, ",");
        char name[64];
        json_t *value;

        snprintf(name, sizeof(name), "%.*s", (int)size, at);
        value = json_object_get(view->details, name);
        json_object_set_new(object, name, value ? json_incref(value) : json_null());
        at += size + (at[size] == ',');
    }
}

static json_t *
component_json(const struct component_view *view, int64_t utc_ms)
{
    json_t *object =
        json_pack("{s:s, s:o, s:o?, s:o, s:o}", "status", view->word, "latency_ms",
                  milliseconds(view->latency_us), "error", text_or_null(view->error),
                  "checked_at", view->age_ms < 0 ? json_null() : moment(utc_ms - view->age_ms),
                  "since", moment(utc_ms - view->since_ms));

    add_members(object, view);
    return object;
}

/* What is unknown is so for another component's sake, which says what to do. */
static json_t *
issue_of(const struct component_view *view)
{
    if (view->status == HEALTH_UNKNOWN)
        return json_sprintf("%s: %s.", view->title, view->error);
    return json_sprintf("%s: %s. %s", view->title, view->error, view->advice);
}

json_t *
components_issues(const components_t *self, int64_t now_ms)
{
    json_t *issues = json_array();
    component_t order[COMPONENT_COUNT];
    struct component_view view;
    size_t count;

    components_order(self, now_ms, order, &count);
    for (size_t i = 0; i < count; i++)
        if (components_view(self, order[i], now_ms, &view) && rank_of(&view) > 0)
            json_array_append_new(issues, issue_of(&view));
    return issues;
}

static json_t *
head(const components_t *self, const settings_t *settings, int64_t now_ms, int64_t utc_ms)
{
    return json_pack("{s:o, s:s, s:s, s:o?, s:o?, s:s}", "timestamp", moment(utc_ms),
                     "overall_status", components_word(components_overall(self, now_ms)),
                     "version", TM_VERSION, "git_sha", text_or_null(settings->system_git_sha),
                     "build_time", text_or_null(settings->system_build_time), "config_profile",
                     settings->system_profile);
}

json_t *
components_json(const components_t *self, const settings_t *settings, int64_t now_ms,
                int64_t utc_ms)
{
    json_t *object = head(self, settings, now_ms, utc_ms);
    int counts[sizeof(statuses) / sizeof(statuses[0])] = {0};
    struct component_view view;

    for (component_t i = 0; i < COMPONENT_COUNT; i++) {
        if (!components_view(self, i, now_ms, &view))
            continue;
        json_object_set_new(object, view.name, component_json(&view, utc_ms));
        counts[view.status]++;
    }
    json_object_update_new(
        object, json_pack("{s:i, s:i, s:i, s:o}", "components_ok", counts[HEALTH_OK],
                          "components_degraded", counts[HEALTH_DEGRADED], "components_error",
                          counts[HEALTH_ERROR], "issues", components_issues(self, now_ms)));
    return object;
}
