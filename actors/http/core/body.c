#include "actors/http/core/body.h"

#include <string.h>

#include "actors/http/core/answer.h"
#include "actors/http/core/request_inner.h"
#include "actors/kit/util/memory.h"

enum { TEXT_MAX = 65536, IGNORED_MAX = 65536 };

bool
body_ignore(request_t *request, const char *data, size_t size)
{
    (void)data;
    request->body_size += size;
    return request->body_size <= IGNORED_MAX;
}

void
body_text_begin(request_t *request)
{
    uint64_t length = 0;

    if (content_length_parse(request_header(request, "Content-Length"), &length) &&
        length > TEXT_MAX)
        answer_fail(request, TM_TOO_LARGE, "the body is larger than 64 KiB");
}

/* A body that is too large is read on a little and thrown away: no answer can be sent before.
 */
bool
body_text(request_t *request, const char *data, size_t size)
{
    request->is_too_large = request->body_size + size > TEXT_MAX;
    if (!request->is_too_large) {
        request->text = tm_grown(request->text, request->body_size + size + 1);
        memcpy(request->text + request->body_size, data, size);
        request->text[request->body_size + size] = '\0';
    }
    request->body_size += size;
    return request->body_size <= (size_t)2 * TEXT_MAX;
}

const struct route_ops plain_ops = {.body = body_ignore};
const struct route_ops text_ops = {.begin = body_text_begin, .body = body_text};

json_t *
body_json(const request_t *request, struct problem *problem)
{
    size_t size;
    const char *text = request_text(request, &size);

    return json_body_read(request_header(request, "Content-Type"), text, size, problem);
}
