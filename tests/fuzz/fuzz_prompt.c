/* Any JSON object is the facts of a prompt: whatever is in it, one line of printable ASCII
 * stands between one pair of fences, and is JSON. */
#include <stdlib.h>
#include <string.h>

#include "actors/explain/prompt.h"

#define OPEN "<facts>\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
expect(bool is_so)
{
    if (!is_so)
        abort();
}

static void
expect_fenced(const char *user)
{
    const char *facts = user + strlen(OPEN), *end = strchr(facts, '\n');
    size_t brackets = 0;
    json_t *json;

    expect(strncmp(user, OPEN, strlen(OPEN)) == 0 && end);
    expect(strncmp(end, "\n</facts>\n", 10) == 0 && end - facts <= (long)PROMPT_FACTS_MAX);
    for (const char *at = user; *at; at++) {
        brackets += *at == '<' || *at == '>';
        expect(*at == '\n' || (*at >= ' ' && *at <= '~'));
    }
    expect(brackets == 4);
    json = json_loadb(facts, (size_t)(end - facts), JSON_REJECT_DUPLICATES, NULL);
    expect(json_is_object(json));
    json_decref(json);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct explain_question question = {.kind = EXPLAIN_MATCH,
                                        .verbosity = EXPLAIN_DETAILED,
                                        .facts = json_loadb((const char *)data, size, 0, NULL)};
    struct prompt prompt;

    if (json_is_object(question.facts) && prompt_init(&prompt, &question) == TM_OK) {
        expect_fenced(prompt.user);
        prompt_fini(&prompt);
    }
    explain_question_fini(&question);
    return 0;
}
