/* Any text is an llm.chain, an llm.models and an address: each link is usable with all that
 * takes, or says why not; plain http is used for this machine only. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "actors/explain/llm/model_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_link(const struct model_config *link)
{
    if (link->state != MODEL_CONFIG_USABLE) {
        if (!link->problem[0])
            abort();
        return;
    }
    if (!link->provider || !link->url || !link->origin || !link->model[0] ||
        link->facts.in < 0 || link->facts.out < 0 || link->facts.context < 0 ||
        (!link->is_local && strncmp(link->origin, "https://", 8) != 0))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static settings_t *settings;
    struct model_configs links;
    char text[512];

    if (!settings)
        settings = settings_new();
    if (size == 0 || size >= sizeof(text) || memchr(data, '\0', size))
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    setenv("OPENAI_API_KEY", "sk-1", 1);
    setenv("OLLAMA_BASE_URL", text, 1);
    free(settings->llm_chain);
    free(settings->llm_models);
    settings->llm_chain = strdup(text);
    settings->llm_models = strdup(text);
    model_configs_read(&links, settings);
    if (links.count > MODEL_CONFIGS_MAX)
        abort();
    for (size_t i = 0; i < links.count; i++)
        check_link(&links.items[i]);
    model_configs_fini(&links);
    return 0;
}
