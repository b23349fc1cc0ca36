#include "actors/http/intake/intake_receive.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "actors/http/core/answer.h"

enum { POST_BUFFER = 32768, FORM_OVERHEAD = 256 << 10 /* fields and boundaries */ };

struct intake_receive {
    bridge_t *bridge;
    bool holds_slot;
    form_t *form;
    struct MHD_PostProcessor *processor;
    uint64_t received, limit; /* bytes of the body */
    bool is_malformed;
    struct tune_key key;
};

static void
on_key(void *arg, const char *value)
{
    tune_key_say(arg, "Idempotency-Key", value);
}

static void
on_x_key(void *arg, const char *value)
{
    tune_key_say(arg, "X-Idempotency-Key", value);
}

static bool
is_multipart(const char *type)
{
    return type && strncasecmp(type, "multipart/form-data", 19) == 0;
}

/* The body as a whole; its file may be packed. */
static bool
is_encoded(const char *encoding)
{
    return encoding && *encoding && strcasecmp(encoding, "identity") != 0;
}

static void
check_headers(const intake_receive_t *self, request_t *request, struct problem *problem)
{
    uint64_t length = 0;

    if (self->bridge->is_draining) {
        problem_init(problem, TM_DRAINING, "%s", "");
    } else if (!is_multipart(request_header(request, "Content-Type"))) {
        answer_header(request, "Accept-Post", "multipart/form-data");
        problem_init(problem, TM_UNSUPPORTED_MEDIA_TYPE, "send multipart/form-data");
    } else if (is_encoded(request_header(request, "Content-Encoding"))) {
        answer_header(request, "Accept-Encoding", "identity");
        problem_init(problem, TM_UNSUPPORTED_MEDIA_TYPE,
                     "a body of Content-Encoding %.40s is not taken; send the form as it is, "
                     "its file may be a gzip or a zip",
                     request_header(request, "Content-Encoding"));
    } else if (content_length_parse(request_header(request, "Content-Length"), &length) &&
               length > self->limit) {
        problem_init(problem, TM_FILE_TOO_LARGE,
                     "the file is larger than %lld MiB, the most this server takes",
                     (long long)self->bridge->settings->http_max_upload_mb);
    } else if (self->key.problem.err) {
        *problem = self->key.problem;
    } else if (self->bridge->uploads >= self->bridge->settings->http_max_uploads) {
        problem_init(problem, TM_BUSY, "as many uploads are under way as this server takes");
    }
}

static enum MHD_Result
/* NOLINTNEXTLINE(*-size): the library's signature */
on_part(void *cls, enum MHD_ValueKind kind, const char *name, const char *filename,
        const char *type, const char *encoding, const char *data, uint64_t offset, size_t size)
{
    intake_receive_t *self = cls;

    (void)kind;
    (void)type;
    (void)encoding;
    return form_part(self->form, name, filename, offset, data, size) ? MHD_NO : MHD_YES;
}

static void
open_form(intake_receive_t *self, const request_t *request, struct problem *problem)
{
    const settings_t *settings = self->bridge->settings;
    char spool[1100];

    snprintf(spool, sizeof(spool), "%s/spool", settings->system_data_dir);
    self->form = form_new(spool, (uint64_t)settings->http_max_upload_mb << 20);
    if (!self->form) {
        problem_init(problem, TM_BUSY, "there is no room for uploads at the moment");
        return;
    }
    self->processor =
        MHD_create_post_processor(request_connection(request), POST_BUFFER, on_part, self);
    if (!self->processor)
        problem_init(problem, TM_UNSUPPORTED_MEDIA_TYPE,
                     "the Content-Type names no boundary between the parts");
}

intake_receive_t *
intake_receive_new(request_t *request, struct problem *problem)
{
    bridge_t *bridge = request_bridge(request);
    intake_receive_t *self = zmalloc(sizeof(*self));

    self->bridge = bridge;
    self->limit = ((uint64_t)bridge->settings->http_max_upload_mb << 20) + FORM_OVERHEAD;
    request_headers(request, "X-Idempotency-Key", on_x_key, &self->key);
    request_headers(request, "Idempotency-Key", on_key, &self->key);
    check_headers(self, request, problem);
    if (!problem->err)
        open_form(self, request, problem);
    if (problem->err) {
        intake_receive_destroy(&self);
        return NULL;
    }
    bridge->uploads++;
    self->holds_slot = true;
    return self;
}

void
intake_receive_release(intake_receive_t *self)
{
    self->bridge->uploads -= self->holds_slot;
    self->holds_slot = false;
}

void
intake_receive_destroy(intake_receive_t **self_p)
{
    intake_receive_t *self = *self_p;

    if (!self)
        return;
    intake_receive_release(self);
    if (self->processor)
        MHD_destroy_post_processor(self->processor);
    form_destroy(&self->form);
    free(self);
    *self_p = NULL;
}

/* An answer cannot be sent while the body arrives, so what is refused is read on, and thrown
 * away, for as much again as would have been taken. */
bool
intake_receive_add(intake_receive_t *self, const char *data, size_t size)
{
    self->received += size;
    if (self->received > self->limit)
        return self->received <= 2 * self->limit;
    if (self->is_malformed || form_error(self->form))
        return true;
    if (MHD_post_process(self->processor, data, size) != MHD_YES && !form_error(self->form))
        self->is_malformed = true;
    return true;
}

/* The library takes a body in which its boundary never stands for a form without parts. */
static bool
is_foreign(const intake_receive_t *self)
{
    return self->received > 0 && form_count(self->form) == 0 && !form_has_file(self->form);
}

void
intake_receive_end(intake_receive_t *self, struct problem *problem)
{
    bool is_whole = MHD_destroy_post_processor(self->processor) == MHD_YES;

    self->processor = NULL;
    form_end(self->form);
    if (form_error(self->form))
        *problem = *form_error(self->form);
    else if (self->received > self->limit)
        problem_init(problem, TM_FILE_TOO_LARGE,
                     "the request is larger than this server takes");
    else if (self->is_malformed || !is_whole || is_foreign(self))
        problem_init(problem, TM_BAD_REQUEST,
                     "the body is not multipart/form-data, or ends in the middle of a part");
}

const form_t *
intake_receive_form(const intake_receive_t *self)
{
    return self->form;
}

const char *
intake_receive_key(const intake_receive_t *self)
{
    return self->key.text[0] ? self->key.text : NULL;
}
