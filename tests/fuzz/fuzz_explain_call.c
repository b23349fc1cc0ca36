/* Any bytes are a question for an explanation, and an answer to one: refused with words, or
 * read as they would be written. */
#include <stdlib.h>
#include <string.h>

#include "actors/kit/contracts/explain_call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
expect(bool is_so)
{
    if (!is_so)
        abort();
}

static void
question(const char *data, size_t size)
{
    struct explain_question call, again;
    const char *what = NULL;
    char *text, first[EXPLAIN_SUBJECT_TEXT], second[EXPLAIN_SUBJECT_TEXT];

    if (explain_question_parse(data, size, &call, &what)) {
        expect(what && what[0]);
        return;
    }
    text = explain_question_text(&call);
    expect(text != NULL);
    /* a number may be written longer than it was read: then it is too large, and nothing else
     */
    if (strlen(text) <= EXPLAIN_QUESTION_MAX) {
        expect(explain_question_parse(text, strlen(text), &again, &what) == TM_OK);
        expect(tm_uuid_is(&call.workspace, &again.workspace) && call.kind == again.kind &&
               call.verbosity == again.verbosity);
        expect(strcmp(explain_question_subject(&call, first),
                      explain_question_subject(&again, second)) == 0);
        expect(json_equal(call.facts, again.facts));
        explain_question_fini(&again);
    }
    free(text);
    explain_question_fini(&call);
}

static void
answer(const char *data, size_t size)
{
    struct explain_answer call, again;
    const char *what = NULL;
    char *text;

    if (explain_answer_parse(data, size, &call, &what)) {
        expect(what && what[0]);
        return;
    }
    text = explain_answer_text(&call);
    expect(text && explain_answer_parse(text, strlen(text), &again, &what) == TM_OK);
    expect(!call.text == !again.text && (!call.text || strcmp(call.text, again.text) == 0));
    expect(call.text || call.reason == again.reason);
    expect(strcmp(call.cause, again.cause) == 0 && call.latency_ms == again.latency_ms);
    free(text);
    explain_answer_fini(&call);
    explain_answer_fini(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    question((const char *)data, size);
    answer((const char *)data, size);
    return 0;
}
