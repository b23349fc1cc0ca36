/* Any text is the value of each header that has a syntax of its own. */
#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "actors/http/core/headers.h"
#include "actors/http/intake/tune_fields.h"
#include "actors/http/core/workspace.h"

#define WAIT_MAX_MS 30000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_problem(const struct problem *problem)
{
    char *text = problem_render(problem, NULL);
    json_t *json = json_loads(text, 0, NULL);

    assert(json);
    json_decref(json);
    free(text);
}

static void
check_numbers(const char *text)
{
    int64_t wait_ms = -1;
    uint64_t length = 0;

    prefer_parse(text, WAIT_MAX_MS, &wait_ms);
    assert(wait_ms >= -1 && wait_ms <= WAIT_MAX_MS);
    if (content_length_parse(text, &length))
        assert(length == UINT64_MAX || strspn(text, "0123456789") == strlen(text));
    if (request_id_is_sane(text))
        assert(strlen(text) <= REQUEST_ID_MAX);
    if (etag_is_among(text, "\"x\""))
        assert(strcmp(text, "*") == 0 || strstr(text, "\"x\""));
}

static void
check_key(const char *text)
{
    struct tune_key key = {0};

    tune_key_say(&key, "Idempotency-Key", text);
    tune_key_say(&key, "X-Idempotency-Key", text);
    assert(!key.text[0] == !!key.problem.err);
    if (key.problem.err)
        check_problem(&key.problem);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);
    struct workspace workspace = {0};
    struct problem problem = {0};

    if (!text)
        return 0;
    check_numbers(text);
    check_key(text);
    workspace_say(&workspace, "header.X-Workspace-Id", text, strlen(text), &problem);
    if (problem.err)
        check_problem(&problem);
    free(text);
    return 0;
}
