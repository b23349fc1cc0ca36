/* Any bytes with any status are an answer of any provider: a text that is UTF-8 and not empty,
 * or a cause, and never words that a log could not hold. The first byte is the provider, the
 * next two the status. */
#include <ctype.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "actors/explain/llm/answers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_text(const struct llm_answer *answer)
{
    json_t *text = json_stringn(answer->text, answer->size); /* NULL: not UTF-8 */

    if (!text || answer->size == 0 || strlen(answer->text) != answer->size ||
        isspace((unsigned char)answer->text[0]))
        abort();
    json_decref(text);
}

static void
check_words(const struct llm_answer *answer)
{
    if (strlen(answer->what) >= LLM_WHAT_MAX || strlen(answer->model) > LLM_MODEL_MAX ||
        strpbrk(answer->what, " \"\n\\=") || strpbrk(answer->model, " \"\n\\="))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"openai", "anthropic", "openrouter", "ollama"};
    const struct llm_provider *provider;
    struct llm_answer answer;
    enum llm_cause cause;
    int status;

    if (size < 3)
        return 0;
    provider = llm_provider_find(names[data[0] % 4], strlen(names[data[0] % 4]));
    status = data[1] < 128 ? 200 : (data[1] << 8 | data[2]) % 600;
    cause = llm_answer_read(provider, status, (const char *)data + 3, size - 3, &answer);
    if (cause == LLM_OK)
        check_text(&answer);
    else if (answer.text || (cause == LLM_OK) != (status == 200 && answer.text))
        abort();
    if (answer.tokens_in < -1 || answer.tokens_out < -1)
        abort();
    check_words(&answer);
    llm_answer_fini(&answer);
    return 0;
}
