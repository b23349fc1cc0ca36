#include "actors/kit/sentry/sentry_envelope.h"

#include <stdio.h>
#include <string.h>

#include "actors/kit/util/auto.h"
#include "actors/kit/util/clock.h"
#include "actors/kit/util/digest.h"
#include "proto/message.h"

enum { TAG_MAX = 200, VALUE_MAX = 2000 };

/* At most so many bytes, in whole characters and on one line. */
static json_t *
short_string(const char *value, size_t max)
{
    char text[VALUE_MAX + 1];
    tm_str_t clean = tm_text_clean(value, text, max < VALUE_MAX ? max : VALUE_MAX);

    for (size_t i = 0; i < clean.size; i++)
        if (text[i] == '\n' || text[i] == '\r')
            text[i] = ' ';
    return json_stringn(text, clean.size);
}

static void
put(json_t **object, const char *name, json_t *value)
{
    if (!*object)
        *object = json_object();
    json_object_set_new(*object, name, value);
}

void
sentry_tag(struct sentry_notes *self, const char *name, const char *value)
{
    if (self && value && value[0])
        put(&self->tags, name, short_string(value, TAG_MAX));
}

void
sentry_number(struct sentry_notes *self, const char *name, double value, const char *unit)
{
    if (self)
        put(&self->numbers, name, json_pack("{s:f, s:s}", "value", value, "unit", unit));
}

void
sentry_data(struct sentry_notes *self, const char *name, const char *value)
{
    if (self && value && value[0])
        put(&self->data, name, short_string(value, TAG_MAX));
}

void
sentry_data_number(struct sentry_notes *self, const char *name, double value)
{
    if (self)
        put(&self->data, name, json_real(value));
}

void
sentry_notes_fini(struct sentry_notes *self)
{
    json_decref(self->tags);
    json_decref(self->numbers);
    json_decref(self->data);
    *self = (struct sentry_notes){NULL, NULL, NULL};
}

static void
new_id(char ret[SENTRY_ID_TEXT])
{
    tm_uuid_t id = tm_uuid_new();

    hex_text(id.bytes, sizeof(id.bytes), ret);
}

static json_t *
head(const struct sentry_origin *origin, int64_t utc_ms, char ret_id[SENTRY_ID_TEXT])
{
    new_id(ret_id);
    return json_pack("{s:s, s:f, s:s, s:s, s:s, s:s, s:{s:s, s:s}}", "event_id", ret_id,
                     "timestamp", (double)utc_ms / 1000, "platform", "native", "server_name",
                     origin->server, "release", origin->release, "environment",
                     origin->environment, "sdk", "name", "tunemill", "version", TM_VERSION);
}

static json_t *
trace_context(const traceparent_t *trace)
{
    json_t *context =
        json_pack("{s:s, s:s}", "trace_id", trace->trace_id, "span_id", trace->span_id);

    if (trace->parent_id[0])
        json_object_set_new(context, "parent_span_id", json_string(trace->parent_id));
    return context;
}

/* trace: taken, may be NULL */
static json_t *
contexts(json_t *trace)
{
    json_t *all =
        json_pack("{s:{s:s}, s:{s:s}}", "os", "name", "Linux", "runtime", "name", "C");

    if (trace)
        json_object_set_new(all, "trace", trace);
    return all;
}

static void
add_copy(json_t *root, const char *name, const json_t *value)
{
    if (value)
        json_object_set_new(root, name, json_deep_copy(value));
}

static char *
text_of(json_t *root)
{
    char *text = root ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;

    json_decref(root);
    return text;
}

static json_t *
exception(const struct sentry_event *event)
{
    return json_pack("{s:[{s:o, s:o, s:{s:s, s:b}}]}", "values", "type",
                     short_string(event->type, TAG_MAX), "value",
                     short_string(event->value, VALUE_MAX), "mechanism", "type", "generic",
                     "handled", 1);
}

/* component: the first word of the type */
static json_t *
event_tags(const struct sentry_event *event)
{
    const struct sentry_notes *notes = event->notes;
    json_t *tags = notes && notes->tags ? json_deep_copy(notes->tags) : json_object();

    json_object_set_new(tags, "component",
                        json_stringn(event->type, strcspn(event->type, ".")));
    if (event->reason)
        json_object_set_new(tags, "reason", short_string(event->reason, TAG_MAX));
    return tags;
}

static json_t *
fingerprint(const struct sentry_event *event)
{
    json_t *words = json_pack("[s]", event->type);

    if (event->reason)
        json_array_append_new(words, short_string(event->reason, TAG_MAX));
    return words;
}

static json_t *
event_extra(const struct sentry_event *event)
{
    json_t *extra = event->extra ? json_deep_copy(event->extra) : json_object();

    if (event->repeated)
        json_object_set_new(extra, "repeated", json_integer((json_int_t)event->repeated));
    return extra;
}

char *
sentry_event_text(const struct sentry_origin *origin, const struct sentry_event *event,
                  char ret_id[SENTRY_ID_TEXT])
{
    const bool is_traced = event->trace && event->trace->trace_id[0];
    json_t *root = head(origin, clock_utc_ms(), ret_id);

    if (!root)
        return NULL;
    json_object_update_new(
        root, json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "level", event->level, "logger",
                        origin->actor, "exception", exception(event), "contexts",
                        contexts(is_traced ? trace_context(event->trace) : NULL), "tags",
                        event_tags(event), "extra", event_extra(event), "fingerprint",
                        fingerprint(event)));
    if (event->crumbs)
        json_object_set_new(root, "breadcrumbs",
                            json_pack("{s:o}", "values", json_deep_copy(event->crumbs)));
    return text_of(root);
}

static const char *
status_of(int http)
{
    static const struct {
        int http;
        const char *name;
    } rows[] = {
        {400, "invalid_argument"},  {401, "unauthenticated"},
        {403, "permission_denied"}, {404, "not_found"},
        {409, "aborted"},           {412, "failed_precondition"},
        {422, "invalid_argument"},  {429, "resource_exhausted"},
        {499, "cancelled"},         {501, "unimplemented"},
        {503, "unavailable"},       {504, "deadline_exceeded"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].http == http)
            return rows[i].name;
    return http < 400 ? "ok" : http < 500 ? "invalid_argument" : "internal_error";
}

static json_t *
span(const struct sentry_transaction *transaction)
{
    const struct sentry_notes *notes = transaction->notes;
    json_t *trace = trace_context(transaction->trace);

    json_object_update_new(trace, json_pack("{s:s, s:s, s:s}", "op", transaction->op, "status",
                                            status_of(transaction->http), "origin", "manual"));
    add_copy(trace, "data", notes ? notes->data : NULL);
    return trace;
}

char *
sentry_transaction_text(const struct sentry_origin *origin,
                        const struct sentry_transaction *transaction,
                        char ret_id[SENTRY_ID_TEXT])
{
    const struct sentry_notes *notes = transaction->notes;
    const int64_t utc_ms = clock_utc_ms();
    json_t *root = head(origin, utc_ms, ret_id);
    json_t *tags = notes && notes->tags ? json_deep_copy(notes->tags) : json_object();

    if (!root)
        return NULL;
    json_object_set_new(tags, "component", json_string(origin->actor));
    json_object_update_new(
        root, json_pack("{s:s, s:s, s:{s:s}, s:f, s:o, s:o, s:[]}", "type", "transaction",
                        "transaction", transaction->name, "transaction_info", "source",
                        transaction->source, "start_timestamp",
                        (double)utc_ms / 1000 - (double)transaction->took_us / 1000000,
                        "contexts", contexts(span(transaction)), "tags", tags, "spans"));
    add_copy(root, "measurements", notes ? notes->numbers : NULL);
    return text_of(root);
}

char *
sentry_report_text(const struct sentry_discard *discards, size_t count, int64_t utc_ms)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:I}", "reason", discards[i].reason,
                                        "category", sentry_category_name(discards[i].category),
                                        "quantity", (json_int_t)discards[i].quantity));
    return text_of(
        json_pack("{s:f, s:o}", "timestamp", (double)utc_ms / 1000, "discarded_events", list));
}

static void
print_item(FILE *out, const char *type, const char *text)
{
    fprintf(out, "{\"type\":\"%s\",\"content_type\":\"application/json\",\"length\":%zu}\n%s\n",
            type, strlen(text), text);
}

char *
sentry_envelope_text(const struct sentry_item *item, int64_t utc_ms, size_t *ret_size)
{
    static const char *const types[SENTRY_CATEGORY_COUNT] = {"event", "transaction"};
    char *text = NULL, at[CLOCK_TEXT];
    FILE *out = open_memstream(&text, ret_size);

    if (!out)
        return NULL;
    fputc('{', out);
    if (item->payload)
        fprintf(out, "\"event_id\":\"%s\",", item->id);
    fprintf(out,
            "\"sent_at\":\"%s\",\"sdk\":{\"name\":\"tunemill\",\"version\":\"" TM_VERSION
            "\"}}\n",
            clock_text(utc_ms, at));
    if (item->payload)
        print_item(out, types[item->category], item->payload);
    if (item->report)
        print_item(out, "client_report", item->report);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
