/* links - the models of llm.chain with what it takes to ask them, keys included.
 *
 * Reads the settings and the environment. A link that cannot be asked stays in the list and
 * says why, for people (`tunemill doctor llm`) and the log; keys are shown to nobody.
 */
#ifndef ACTORS_EXPLAIN_LLM_MODEL_CONFIG_H
#define ACTORS_EXPLAIN_LLM_MODEL_CONFIG_H

#include "actors/explain/llm/models.h"
#include "actors/explain/llm/providers.h"
#include "actors/kit/runtime/settings.h"

enum { MODEL_CONFIGS_MAX = 16, LLM_PROBLEM_MAX = 200 };

/* ABSENT: it is not set up, which is no mistake. */
enum model_config_state { MODEL_CONFIG_USABLE, MODEL_CONFIG_ABSENT, MODEL_CONFIG_WRONG };

struct model_config {
    const struct llm_provider *provider; /* NULL: there is none of that name */
    char name[LLM_MODEL_MAX + 1];        /* of the provider, as written */
    char model[LLM_MODEL_MAX + 1];
    struct llm_model facts;
    char *key, *url; /* of requests; NULL: none */
    char *origin;    /* scheme, host and port, for people */
    bool is_local;   /* it is on this machine */
    bool is_standard;
    enum model_config_state state;
    char problem[LLM_PROBLEM_MAX]; /* a sentence without full stop, unless usable */
};

struct model_configs {
    struct model_config items[MODEL_CONFIGS_MAX];
    size_t count;
};

void model_configs_read(struct model_configs *self, const settings_t *settings);
void model_configs_fini(struct model_configs *self); /* keys are wiped */

#endif
