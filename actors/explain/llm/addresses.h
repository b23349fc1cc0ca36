/* addresses - where a provider's requests go: checked before anything is sent there. */
#ifndef ACTORS_EXPLAIN_LLM_ADDRESSES_H
#define ACTORS_EXPLAIN_LLM_ADDRESSES_H

#include <stdbool.h>

struct llm_address {
    char *url;    /* base and path */
    char *origin; /* scheme, host and port */
    bool is_local;
};

/* base is a URL as the clients of providers take it; a path that it already holds the beginning
 * of is not said twice (http://host/v1 and /v1/messages). NULL: *ret is filled, and is the
 * caller's to give back; else what is wrong with it. Plain http leads to this machine only. */
const char *llm_address_read(const char *base, const char *path, struct llm_address *ret);
void llm_address_fini(struct llm_address *self);

#endif
