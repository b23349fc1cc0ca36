#include "actors/explain/llm/chain_inner.h"

#include <stdlib.h>
#include <string.h>

static void
tell_link(const struct model_config *link)
{
    char name[2 * LLM_MODEL_MAX];

    if (link->state == MODEL_CONFIG_USABLE)
        log_info("llm.link", "provider=%s model=%s origin=%s", link->name, link->model,
                 link->origin);
    else
        log_write(link->state == MODEL_CONFIG_WRONG ? LOG_AT_WARN : LOG_AT_DEBUG,
                  "llm.left_out", "provider=%s why=\"%s\"",
                  log_quote(link->name, strlen(link->name), name, sizeof(name)), link->problem);
}

static void
tell_models(const settings_t *settings)
{
    char quoted[128];
    size_t size = 0;
    const char *wrong = llm_models_wrong(settings->llm_models, &size);

    if (wrong)
        log_warn(
            "llm.models",
            "entry=%s what=\"not NAME=CONTEXT/IN/OUT: it and what follows in llm.models is "
            "not used\"",
            log_quote(wrong, size, quoted, sizeof(quoted)));
}

llm_chain_t *
llm_chain_new(loop_t *loop, const settings_t *settings, meters_t *meters)
{
    llm_chain_t *self = zmalloc(sizeof(*self));

    *self = (llm_chain_t){.loop = loop,
                          .settings = settings,
                          .meters = meters,
                          .http = llm_http_new(loop, settings)};
    if (!self->http) {
        free(self);
        return NULL;
    }
    model_configs_read(&self->links, settings);
    tell_models(settings);
    for (size_t i = 0; i < self->links.count; i++) {
        const struct model_config *link = &self->links.items[i];

        tell_link(link);
        if (link->state == MODEL_CONFIG_USABLE)
            model_slot_init(&self->seats[self->seat_count++], link, settings, meters);
    }
    return self;
}

void
llm_chain_destroy(llm_chain_t **self_p)
{
    llm_chain_t *self = *self_p;

    if (!self)
        return;
    while (self->asks)
        ask_end_now(self->asks);
    llm_http_destroy(&self->http);
    model_configs_fini(&self->links);
    free(self);
    *self_p = NULL;
}

static int
max_tokens(const llm_chain_t *self, const struct llm_prompt *prompt)
{
    return prompt->max_tokens > 0 ? prompt->max_tokens : (int)self->settings->llm_max_tokens;
}

uint64_t
llm_chain_ask(llm_chain_t *self, const struct llm_prompt *prompt, llm_done_fn *fn, void *arg)
{
    struct ask *ask = zmalloc(sizeof(*ask));

    *ask = (struct ask){.chain = self,
                        .id = ++self->last_id,
                        .system = strdup(prompt->system),
                        .user = strdup(prompt->user),
                        .max_tokens = max_tokens(self, prompt),
                        .deadline_us = prompt->deadline_us,
                        .check = prompt->check,
                        .check_arg = prompt->check_arg,
                        .too_small = -1,
                        .fn = fn,
                        .arg = arg,
                        .trace = log_trace_now(),
                        .next = self->asks};
    self->asks = ask;
    ask_begin(ask);
    return ask->id;
}

void
llm_chain_cancel(llm_chain_t *self, uint64_t id)
{
    for (struct ask *ask = self->asks; ask; ask = ask->next)
        if (ask->id == id) {
            ask_cancel(ask);
            return;
        }
}

size_t
llm_chain_links(const llm_chain_t *self)
{
    return self->seat_count;
}

int64_t
llm_chain_most_cost(const llm_chain_t *self, const struct llm_prompt *prompt,
                    int64_t *ret_tokens)
{
    const int64_t in = llm_tokens_of(strlen(prompt->system) + strlen(prompt->user)),
                  out = max_tokens(self, prompt), most = (int64_t)self->seat_count * 2;
    int64_t calls = self->settings->llm_attempts, dearest = 0;

    if (calls > most)
        calls = most; /* each model is asked twice at most */
    for (size_t i = 0; i < self->seat_count; i++) {
        int64_t cost = llm_model_cost(&self->seats[i].link->facts, in, out);

        if (cost > dearest)
            dearest = cost;
    }
    *ret_tokens = calls * (in + out);
    return calls * dearest;
}
