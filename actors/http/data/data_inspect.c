/* POST /data/inspect: the form of a tune, of which the file is read and nothing is kept.
 *
 * The file is a stranger's, and may take seconds to read: `tunemill data` reads it, this very
 * program in a process of its own, with the form's words for how. Two at a time: each may need
 * the memory of an unpacked file.
 */
#include <string.h>

#include "actors/http/core/answer.h"
#include "actors/http/data/routes.def"
#include "actors/http/intake/intake_receive.h"
#include "actors/kit/runtime/confined.h"
#include "actors/kit/runtime/log.h"
#include "actors/kit/util/auto.h"

#define PROGRAM "/proc/self/exe"

enum {
    DEADLINE_MS = 30000,
    AT_ONCE = 2,
    OUTPUT_MAX = 256 << 10,
    OPTION_MAX = 200, /* bytes of an option with its value, which tune_request.def bounds */
};

/* Fields that say how the file is read, and their options of `tunemill data`. */
static const char *const options[][2] = {{"timezone", "--timezone="},
                                         {"symbol", "--symbol="},
                                         {"allow_dropped_pct", "--allow-dropped-pct="}};
enum { OPTION_COUNT = sizeof(options) / sizeof(options[0]) };

typedef struct {
    request_t *request;        /* which owns this */
    intake_receive_t *receive; /* NULL: it was refused for its headers */
    confined_t *reader;
} inspect_t;

static void
destroy_inspect(void *state)
{
    inspect_t *self = state;

    if (self->reader)
        request_bridge(self->request)->inspections--;
    confined_destroy(&self->reader);
    intake_receive_destroy(&self->receive);
    free(self);
}

/* --- what it said ------------------------------------------------------------------------- */

/* The problem has the reader's own list: line, column and value of the first five. */
static void
answer_refusal(request_t *request, const json_t *report)
{
    const char *why = json_string_value(json_object_get(report, "error"));
    struct problem problem;

    problem_init(&problem, TM_DATA_PARSE_FAILED, "%s", why ? why : "");
    problem.faults = json_object_get(report, "errors");
    answer_problem(request, &problem);
}

static void
answer_report(request_t *request, tm_str_t output)
{
    tm_auto(json) report = json_loadb(output.data, output.size, 0, NULL);
    const json_t *is_readable = json_object_get(report, "readable");

    if (!json_is_boolean(is_readable)) {
        log_error("http.inspect_failed", "bytes=%zu", output.size);
        answer_fail(request, TM_INTERNAL, "the reader of the file gave no answer");
    } else if (json_is_false(is_readable)) {
        answer_refusal(request, report);
    } else {
        char *text = json_dumps(report, JSON_COMPACT);

        answer_json(request, &text);
    }
}

static void
on_read(void *arg, tm_err_t err, int code, tm_str_t output)
{
    request_t *request = request_resume(arg);
    inspect_t *self = request_state(request);

    intake_receive_release(self->receive);
    if (err) {
        log_error("http.inspect_failed", "code=%s", tm_err_name(err));
        answer_fail(request, err == TM_TIMEOUT ? TM_TIMEOUT : TM_INTERNAL,
                    "the reader of the file gave no answer");
    } else {
        log_debug("http.inspected", "code=%d", code);
        answer_report(request, output);
    }
    request_unref(&request);
}

/* --- reading ------------------------------------------------------------------------------ */

static void
read_file(inspect_t *self)
{
    const form_t *form = intake_receive_form(self->receive);
    bridge_t *bridge = request_bridge(self->request);
    char values[OPTION_COUNT][OPTION_MAX];
    const char *argv[5 + OPTION_COUNT] = {PROGRAM, "data", "/dev/stdin", "--json"};
    size_t count = 4;

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct form_field *field = form_find(form, options[i][0]);

        if (!field || field->size == 0)
            continue;
        snprintf(values[i], OPTION_MAX, "%s%s", options[i][1], field->data);
        argv[count++] = values[i];
    }
    const struct confined_spec spec = {.argv = argv,
                                       .input = form_file(form),
                                       .max_output = OUTPUT_MAX,
                                       .deadline_ms = DEADLINE_MS};
    if (bridge->inspections < AT_ONCE)
        self->reader = confined_new(bridge->loop, &spec, on_read, self->request);
    if (!self->reader) {
        intake_receive_release(self->receive);
        answer_fail(self->request, TM_BUSY,
                    "as many files are being read as this server takes");
        return;
    }
    bridge->inspections++;
    request_ref(self->request);
}

static void
check_form(const inspect_t *self, struct problem *problem)
{
    const settings_t *settings = request_bridge(self->request)->settings;
    tune_request_t *tune = tune_request_new(settings);
    struct workspace workspace = *request_workspace(self->request);

    tune_fields_read_data(intake_receive_form(self->receive), tune, &workspace, settings,
                          problem);
    tune_request_destroy(&tune);
}

void
data_inspect_run(request_t *request)
{
    inspect_t *self = request_state(request);
    struct problem problem = {0};

    intake_receive_end(self->receive, &problem);
    if (!problem.err)
        check_form(self, &problem);
    if (!problem.err) {
        read_file(self);
        return;
    }
    intake_receive_release(self->receive);
    answer_problem(request, &problem);
}

/* --- the row ------------------------------------------------------------------------------ */

static void
begin_inspect(request_t *request)
{
    inspect_t *self = zmalloc(sizeof(*self));
    struct problem problem = {0};

    self->request = request;
    request_keep(request, self, destroy_inspect);
    self->receive = intake_receive_new(request, &problem);
    if (!self->receive)
        answer_problem(request, &problem);
}

static bool
add_body(request_t *request, const char *data, size_t size)
{
    inspect_t *self = request_state(request);

    return self->receive && intake_receive_add(self->receive, data, size);
}

/* Whoever waits for a file to be read may ask another bridge. */
static void
drain_inspect(request_t *request)
{
    inspect_t *self = request_state(request);

    if (!self || !self->reader)
        return;
    request_bridge(request)->inspections--;
    confined_destroy(&self->reader);
    answer_fail(request, TM_DRAINING, "");
    request_unref(&request);
}

const struct route_ops data_inspect_ops = {
    .begin = begin_inspect, .body = add_body, .drain = drain_inspect};
