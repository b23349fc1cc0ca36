/* llm_stub_text - what llm_stub answers with. */
#ifndef TESTS_SUPPORT_LLM_LLM_STUB_TEXT_H
#define TESTS_SUPPORT_LLM_LLM_STUB_TEXT_H

#include <openssl/ssl.h>
#include <stddef.h>

#define LLM_STUB_TOKENS_IN 100
#define LLM_STUB_TOKENS    20

/* An answer that says `text`, in the shape that the path of the request asks for and with the
 * model it names. The caller frees it, as everything here. */
char *llm_stub_good(const char *request, const char *text);

/* `whole` zeros, gzipped. */
char *llm_stub_bomb(size_t whole, size_t *ret_size);

/* A server's TLS with a key and a certificate made just now, signed by itself. */
SSL_CTX *llm_stub_certificate(void);

#endif
