/* tunemill events: the publisher; `events tail` shows what happens. */
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "actors/kit/bus/bus.h"
#include "actors/kit/fields/json_text.h"
#include "actors/kit/runtime/log.h"
#include "ops/cli/cli.h"
#include "ops/cli/local_instance.h"
#include "ops/cli/workspace.h"

/* --- tail --------------------------------------------------------------------------------- */

struct tail {
    const char *data_dir, *workspace, *topics;
    bool json;

    cli_t *cli;
    loop_t *loop;
    tm_uuid_t only; /* nil: every workspace */
    topics_t wanted;
    long long before; /* events to show that had happened before */
    int64_t from;     /* shown from behind this one */
    bool has_started;
};

static const struct cli_option tail_options[] = {
    {"topic", "LIST", CLI_TEXT, offsetof(struct tail, topics),
     "topics and categories (backtests, coverage), separated by commas; all"},
    {"workspace", "UUID", CLI_TEXT, offsetof(struct tail, workspace), "of this one only; all"},
    {"last", "N", CLI_INT(0, 1000000), offsetof(struct tail, before),
     "begin with the last N; 0"},
    {"data-dir", "DIR", CLI_TEXT, offsetof(struct tail, data_dir),
     "of the running `tunemill up`; default system.data_dir"},
    {"json", NULL, CLI_FLAG, offsetof(struct tail, json), "one JSON object a line"},
};

static const struct cli_usage tail_usage = {
    .arguments = "",
    .options = tail_options,
    .option_count = sizeof tail_options / sizeof *tail_options,
    .notes = "Shows events until it is stopped. With events.bus = memory only the bridge has\n"
             "them: use its stream, GET /admin/events/stream.\n",
};

/* What stands in an event is anybody's. */
static void
print_clean(const char *text)
{
    for (; *text; text++)
        putchar(iscntrl((unsigned char)*text) ? ' ' : *text);
}

static void
print_payload(json_t *payload)
{
    const char *name;
    json_t *value;

    json_object_foreach(payload, name, value)
    {
        char *text;

        if (json_is_object(value) || json_is_array(value) || json_is_null(value))
            continue;
        text = json_text_of(value, JSON_ENCODE_ANY | JSON_COMPACT);
        printf(" ");
        print_clean(name);
        printf("=");
        print_clean(text ? text : "");
        free(text);
    }
}

static void
print_line(const struct bus_event *event)
{
    json_t *object = json_loads(event->text, 0, NULL);
    const char *at = json_string_value(json_object_get(object, "timestamp"));

    printf("%s  ", at ? at : "-");
    print_clean(event->topic);
    print_payload(json_object_get(object, "payload"));
    putchar('\n');
    json_decref(object);
}

static void
on_event(void *arg, const struct bus_event *event)
{
    const struct tail *self = arg;

    if (event->id <= self->from || !(topics_of(topic_find(event->topic)) & self->wanted) ||
        (!tm_uuid_is_nil(&self->only) && !tm_uuid_is(&self->only, &event->workspace)))
        return;
    if (self->json)
        puts(event->text);
    else
        print_line(event);
}

/* Whoever reads it has gone: there is nothing more to do. */
static void
on_batch(void *arg)
{
    struct tail *self = arg;

    if (fflush(stdout) != 0)
        loop_stop(self->loop);
}

static void
on_start(void *arg, int64_t last, int64_t live)
{
    struct tail *self = arg;

    if (self->has_started)
        fprintf(stderr, "tunemill events tail: some events are missing here: they are not kept "
                        "any more\n");
    else
        self->from = live - self->before;
    self->has_started = true;
    (void)last;
}

static void
on_stop(void *arg)
{
    struct tail *self = arg;

    loop_stop(self->loop);
}

static int
read_options(struct tail *self)
{
    tm_str_t wrong;

    if (self->workspace && !workspace_parse(self->cli, self->workspace, &self->only))
        return CLI_USAGE;
    if (!topics_parse(self->topics, &self->wanted, &wrong))
        return cli_misuse(self->cli, "--topic: \"%.*s\" is no topic and no category",
                          (int)wrong.size, wrong.data);
    if (strcmp(self->cli->settings->events_bus, "memory") == 0)
        return cli_fail(self->cli, "events.bus is memory: only the bridge has the events; read "
                                   "its stream, GET /admin/events/stream");
    return -1;
}

static int
tail(struct tail *self)
{
    struct bus_reader reader = {
        .arg = self, .on_event = on_event, .on_batch = on_batch, .on_start = on_start};
    meters_t *metrics = meters_new("events-tail");
    bus_t *bus;

    self->loop = loop_new();
    loop_signals(self->loop, on_stop, self);
    bus = bus_new(self->loop, self->cli->settings, metrics, &reader);
    if (bus)
        loop_run(self->loop);
    bus_destroy(&bus);
    loop_destroy(&self->loop);
    meters_destroy(&metrics);
    return self->has_started ? CLI_OK : CLI_FAILED;
}

static int
run_tail(cli_t *cli, int argc, char **argv)
{
    struct tail self = {.cli = cli};
    int code = cli_parse(cli, &tail_usage, &self, argc, argv);

    if (code >= 0)
        return code;
    log_init("tunemill", LOG_AT_WARN);
    local_instance_fill(cli, self.data_dir);
    code = read_options(&self);
    return code >= 0 ? code : tail(&self);
}

int
cmd_events(cli_t *cli, int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"events", run_service, "the process that numbers events"},
        {"events tail", run_tail, "show what happens"},
    };

    return cli_dispatch(cli, commands, sizeof commands / sizeof *commands, argc, argv);
}
