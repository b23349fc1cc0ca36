/* links - the models of llm.chain with what it takes to ask them, keys included.
 *
 * Reads the settings and the environment. A link that cannot be asked stays in the list and
 * says why, for people (`tunemill doctor llm`) and the log; keys are shown to nobody.
 */
#ifndef ACTORS_EXPLAIN_LINKS_H
#define ACTORS_EXPLAIN_LINKS_H

#include "actors/explain/models.h"
#include "actors/explain/providers.h"
#include "actors/kit/settings.h"

enum { LLM_LINKS_MAX = 16, LLM_PROBLEM_MAX = 200 };

/* ABSENT: it is not set up, which is no mistake. */
enum llm_link_state { LLM_LINK_USABLE, LLM_LINK_ABSENT, LLM_LINK_WRONG };

struct llm_link {
    const struct llm_provider *provider; /* NULL: there is none of that name */
    char name[LLM_MODEL_MAX + 1];        /* of the provider, as written */
    char model[LLM_MODEL_MAX + 1];
    struct llm_model facts;
    char *key, *url; /* of requests; NULL: none */
    char *origin;    /* scheme, host and port, for people */
    bool is_local;   /* it is on this machine */
    bool is_standard;
    enum llm_link_state state;
    char problem[LLM_PROBLEM_MAX]; /* a sentence without full stop, unless usable */
};

struct llm_links {
    struct llm_link items[LLM_LINKS_MAX];
    size_t count;
};

void llm_links_read(struct llm_links *self, const settings_t *settings);
void llm_links_fini(struct llm_links *self); /* keys are wiped */

#endif
