/* The lock guards meters, throttle and crumbs; JSON is made outside of it, but for the few
 * crumbs. scrub, origin and rate are written by start and stop only, which run alone but for
 * the sender's thread: that one may log, and so come here. */
#include "actors/kit/sentry/sentry.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/kit/util/auto.h"
#include "actors/kit/util/clock.h"
#include "actors/kit/runtime/log.h"
#include "actors/kit/sentry/sentry_sender.h"
#include "actors/kit/sentry/sentry_throttle.h"
#include "proto/message.h"

enum {
    TIMEOUT_MS = 5000,
    REPORT_MS = 30000,
    END_MS = 2000,
    CRUMBS = 20,
    CRUMB_MAX = 400,
    TYPE_MAX = 100,
};

/* A line that was logged. */
struct crumb {
    int64_t utc_ms;
    log_level_t level;
    char event[TYPE_MAX + 1], members[CRUMB_MAX + 1];
};

static struct {
    _Atomic(sentry_sender_t *) sender; /* NULL: nothing is told */
    scrub_t *scrub;
    struct sentry_origin origin;
    double rate;

    pthread_mutex_t lock; /* of all below */
    meters_t *meters;
    uint64_t errors, outcomes[SENTRY_OUTCOME_COUNT]; /* not counted yet */
    struct throttle throttle;
    struct crumb crumbs[CRUMBS];
    size_t crumb_count; /* so far */
} process = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Under the lock. */
static void
settle(void)
{
    if (!process.meters)
        return;
    if (process.errors)
        meters_add(process.meters, METRIC_LOG_ERRORS, NULL, process.errors);
    process.errors = 0;
    for (unsigned i = 0; i < SENTRY_OUTCOME_COUNT; i++) {
        if (process.outcomes[i])
            meters_add(process.meters, METRIC_SENTRY,
                       sentry_outcome_name((enum sentry_outcome)i), process.outcomes[i]);
        process.outcomes[i] = 0;
    }
}

void
sentry_count(meters_t *meters)
{
    pthread_mutex_lock(&process.lock);
    process.meters = meters;
    for (int i = 0; meters && i < SENTRY_OUTCOME_COUNT; i++)
        meters_know(meters, METRIC_SENTRY, sentry_outcome_name((enum sentry_outcome)i));
    settle();
    pthread_mutex_unlock(&process.lock);
}

static void
count_outcome(void *arg, enum sentry_outcome outcome)
{
    (void)arg;
    pthread_mutex_lock(&process.lock);
    process.outcomes[outcome]++;
    settle();
    pthread_mutex_unlock(&process.lock);
}

/* A line is cut in the middle of a member: what is behind the last whole one goes. */
static void
add_crumb(const struct log_line *line)
{
    struct crumb *crumb = &process.crumbs[process.crumb_count++ % CRUMBS];
    size_t size = line->size < CRUMB_MAX ? line->size : 0;

    crumb->utc_ms = clock_utc_ms();
    crumb->level = line->level;
    snprintf(crumb->event, sizeof(crumb->event), "%s", line->event);
    memcpy(crumb->members, line->members, size);
    crumb->members[size] = '\0';
}

/* {"job":"..","attempt":3} of the members of a line. */
static json_t *
object_of(const char *members, size_t size)
{
    char text[4096 + 2] = "{"; /* a line has at most PIPE_BUF bytes */

    if (size == 0 || size > sizeof(text) - 2)
        return json_object();
    memcpy(text + 1, members + 1, size - 1); /* without the first comma */
    text[size] = '}';
    return json_loadb(text, size + 1, 0, NULL);
}

static json_t *
crumb_json(const struct crumb *crumb)
{
    static const char *const levels[LOG_LEVEL_COUNT] = {"debug", "info", "warning", "error"};
    json_t *data = object_of(crumb->members, strlen(crumb->members));

    return json_pack("{s:f, s:s#, s:s, s:s, s:o*}", "timestamp", (double)crumb->utc_ms / 1000,
                     "category", crumb->event, (int)strcspn(crumb->event, "."), "message",
                     crumb->event, "level", levels[crumb->level], "data", data);
}

/* Under the lock. */
static json_t *
crumbs_json(void)
{
    const size_t first = process.crumb_count > CRUMBS ? process.crumb_count - CRUMBS : 0;
    json_t *list = json_array();

    for (size_t i = first; i < process.crumb_count; i++)
        json_array_append_new(list, crumb_json(&process.crumbs[i % CRUMBS]));
    return list;
}

/* May this one be told? Then with what was before it, and how many were not. */
static bool
admit(const char *type, const char *reason, json_t **ret_crumbs, uint64_t *ret_held)
{
    bool is_admitted;

    pthread_mutex_lock(&process.lock);
    is_admitted = throttle_pass(&process.throttle, type, reason, clock_ms(), ret_held);
    if (is_admitted)
        *ret_crumbs = crumbs_json();
    pthread_mutex_unlock(&process.lock);
    if (!is_admitted)
        sentry_sender_drop(process.sender, SENTRY_ERROR, SENTRY_THROTTLED);
    return is_admitted;
}

static void
tell(const struct sentry_event *event)
{
    const traceparent_t trace = log_trace_now();
    struct sentry_event whole = *event;
    char id[SENTRY_ID_TEXT], *text;
    json_t *crumbs = NULL;

    if (!admit(event->type, event->reason, &crumbs, &whole.repeated))
        return;
    whole.trace = &trace;
    whole.crumbs = crumbs;
    text = sentry_event_text(&process.origin, &whole, id);
    json_decref(crumbs);
    sentry_sender_put(process.sender, SENTRY_ERROR, id, &text);
}

void
sentry_capture(const struct sentry_event *event)
{
    if (process.sender)
        tell(event);
}

/* What a line says of its reason. */
static const char *
reason_of(const json_t *members)
{
    static const char *const names[] = {"code", "reason", "cause", "err", "error"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *text = json_string_value(json_object_get(members, names[i]));
        if (text)
            return text;
    }
    return NULL;
}

/* key=value key=value; the caller frees it. */
static char *
words_of(json_t *members)
{
    char *text = NULL;
    const char *name;
    json_t *value;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    json_object_foreach(members, name, value)
    {
        tm_auto(tm_text) number = json_dumps(value, JSON_ENCODE_ANY);

        fprintf(out, "%s%s=%s", ftell(out) ? " " : "", name,
                json_is_string(value) ? json_string_value(value)
                : number              ? number
                                      : "");
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* The event's name alone makes two lines the same: what differs is often an id. */
static void
tell_line(const struct log_line *line)
{
    tm_auto(json) members = object_of(line->members, line->size);
    tm_auto(tm_text) value = members ? words_of(members) : NULL;
    const char *reason = reason_of(members);
    struct sentry_notes notes = {NULL, NULL, NULL};
    const struct sentry_event event = {.type = line->event,
                                       .value = value ? value : "",
                                       .level = "error",
                                       .extra = members,
                                       .notes = &notes};

    sentry_tag(&notes, "reason", reason);
    tell(&event);
    sentry_notes_fini(&notes);
}

static void
on_line(void *arg, const struct log_line *line)
{
    (void)arg;
    if (process.sender && line->level == LOG_AT_ERROR)
        tell_line(line);
    pthread_mutex_lock(&process.lock);
    if (process.sender)
        add_crumb(line);
    if (line->level == LOG_AT_ERROR)
        process.errors++;
    settle();
    pthread_mutex_unlock(&process.lock);
}

/* The last digits of an id are random; so many of all are below the rate. */
bool
sentry_samples(const traceparent_t *trace)
{
    const char *tail = trace->trace_id + TRACE_ID_TEXT - 1 - 8;

    return process.sender && process.rate > 0 && trace->is_sampled && trace->trace_id[0] &&
           (double)strtoul(tail, NULL, 16) < process.rate * 4294967296.0;
}

void
sentry_transaction(const struct sentry_transaction *transaction)
{
    char id[SENTRY_ID_TEXT], *text;

    if (!process.sender || process.rate <= 0)
        return;
    if (!sentry_samples(transaction->trace)) {
        sentry_sender_drop(process.sender, SENTRY_TRANSACTION, SENTRY_UNSAMPLED);
        return;
    }
    text = sentry_transaction_text(&process.origin, transaction, id);
    sentry_sender_put(process.sender, SENTRY_TRANSACTION, id, &text);
}

/* GIT_SHA, which whoever builds the image sets. */
static const char *
revision(char text[41])
{
    const char *sha = getenv("GIT_SHA");
    size_t size = sha ? strspn(sha, "0123456789abcdefABCDEF") : 0;

    snprintf(text, 41, "%.*s", size && !sha[size] ? (int)(size < 40 ? size : 40) : 0,
             sha ? sha : "");
    return text;
}

static void
fill_origin(struct sentry_origin *self, const settings_t *settings, const char *actor)
{
    const char *environment = settings->sentry_environment;
    char sha[41];

    if (!environment[0])
        environment = settings->system_profile;
    revision(sha);
    snprintf(self->actor, sizeof(self->actor), "%s", actor);
    snprintf(self->release, sizeof(self->release), "tunemill@" TM_VERSION "%s%s",
             sha[0] ? "+" : "", sha);
    snprintf(self->environment, sizeof(self->environment), "%.*s",
             (int)sizeof(self->environment) - 1, environment);
    if (gethostname(self->server, sizeof(self->server) - 1))
        self->server[0] = '\0';
}

static sentry_sender_t *
open_sender(const settings_t *settings)
{
    const char *text = settings->sentry_dsn;
    struct sentry_dsn dsn;
    const struct sentry_sender_options options = {.dsn = &dsn,
                                                  .scrub = process.scrub,
                                                  .timeout_ms = TIMEOUT_MS,
                                                  .report_ms = REPORT_MS,
                                                  .end_ms = END_MS,
                                                  .count = count_outcome};
    sentry_sender_t *sender = NULL;

    if (!text[0])
        return NULL;
    if (sentry_dsn_parse(text, strlen(text), &dsn)) {
        sender = sentry_sender_new(&options);
        explicit_bzero(&dsn, sizeof(dsn));
        if (!sender)
            log_error("sentry.not_started", "errno=%d", errno);
    } else {
        log_error("sentry.bad_dsn", "what=\"sentry.dsn is not SCHEME://KEY@HOST/PROJECT: "
                                    "nobody hears of errors\"");
    }
    return sender;
}

void
sentry_start(const settings_t *settings, const char *actor)
{
    fill_origin(&process.origin, settings, actor);
    process.rate = settings->sentry_traces_sample_rate;
    process.scrub = scrub_new();
    log_tap(on_line, NULL);
    if (process.scrub) {
        scrub_settings(process.scrub, settings);
        process.sender = open_sender(settings);
    }
}

void
sentry_stop(void)
{
    sentry_sender_t *sender = process.sender;

    process.sender = NULL;
    sentry_sender_destroy(&sender);
    log_tap(NULL, NULL);
    scrub_destroy(&process.scrub);
    process.rate = 0;
    process.crumb_count = 0;
    process.throttle = (struct throttle){0};
}

bool
sentry_is_on(void)
{
    return process.sender != NULL;
}
