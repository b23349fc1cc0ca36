/* llm_stub_inner - a stub and one connection to it, for the files of the stub. */
#ifndef TESTS_SUPPORT_LLM_LLM_STUB_INNER_H
#define TESTS_SUPPORT_LLM_LLM_STUB_INNER_H

#include <openssl/ssl.h>
#include <pthread.h>

#include "tests/support/llm/llm_stub.h"

enum { KEPT = 4096 }; /* requests */

struct llm_stub {
    int listener, stop; /* stop: readable when it is time */
    char url[64];
    SSL_CTX *tls;
    pthread_t thread;

    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    const struct llm_stub_step *steps;
    size_t step_count, requests, connections, waiting, running;
    char *kept[KEPT];
    bool is_stopping, is_released;
};

struct llm_stub_connection {
    llm_stub_t *stub;
    int fd;
    SSL *tls;
    char *request; /* head and body */
    struct llm_stub_step step;
};

/* Answers the request as its step says, or not at all. */
void llm_stub_act(struct llm_stub_connection *self);

#endif
