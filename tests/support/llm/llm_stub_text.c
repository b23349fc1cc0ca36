#include "tests/support/llm/llm_stub_text.h"

#include <check.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* --- good answers ------------------------------------------------------------------------- */

static json_t *
answer_of_openai(const char *model, const char *text)
{
    return json_pack("{s:s, s:s, s:s, s:[{s:i, s:{s:s, s:s}, s:s}], s:{s:i, s:i}}", "id",
                     "chatcmpl-1", "object", "chat.completion", "model", model, "choices",
                     "index", 0, "message", "role", "assistant", "content", text,
                     "finish_reason", "stop", "usage", "prompt_tokens", LLM_STUB_TOKENS_IN,
                     "completion_tokens", LLM_STUB_TOKENS);
}

static json_t *
answer_of_anthropic(const char *model, const char *text)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:[{s:s, s:s}], s:s, s:{s:i, s:i}}", "id", "msg_1",
                     "type", "message", "role", "assistant", "model", model, "content", "type",
                     "text", "text", text, "stop_reason", "end_turn", "usage", "input_tokens",
                     LLM_STUB_TOKENS_IN, "output_tokens", LLM_STUB_TOKENS);
}

static json_t *
answer_of_ollama(const char *model, const char *text)
{
    return json_pack("{s:s, s:{s:s, s:s}, s:b, s:s, s:i, s:i}", "model", model, "message",
                     "role", "assistant", "content", text, "done", 1, "done_reason", "stop",
                     "prompt_eval_count", LLM_STUB_TOKENS_IN, "eval_count", LLM_STUB_TOKENS);
}

char *
llm_stub_good(const char *request, const char *text)
{
    const char *body = strstr(request, "\r\n\r\n");
    json_t *question = json_loads(body ? body : "", 0, NULL);
    const char *model = json_string_value(json_object_get(question, "model"));
    json_t *root;
    char *copy;

    model = model ? model : "unknown";
    if (strncmp(request, "POST /v1/messages ", 18) == 0)
        root = answer_of_anthropic(model, text);
    else if (strncmp(request, "POST /api/chat ", 15) == 0)
        root = answer_of_ollama(model, text);
    else
        root = answer_of_openai(model, text);
    copy = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    json_decref(question);
    return copy;
}

/* --- a bomb ------------------------------------------------------------------------------- */

struct bits {
    unsigned char *data;
    size_t size;
    unsigned held, count;
};

static void
put_bit(struct bits *self, unsigned bit)
{
    self->held |= bit << self->count;
    if (++self->count < 8)
        return;
    self->data[self->size++] = (unsigned char)self->held;
    self->held = self->count = 0;
}

/* A Huffman code begins with its highest bit. */
static void
put_code(struct bits *self, unsigned code, int length)
{
    while (length-- > 0)
        put_bit(self, code >> length & 1);
}

/* One block of the fixed codes: a zero, then "258 bytes like the last one" again and again. */
char *
llm_stub_bomb(size_t whole, size_t *ret_size)
{
    static const unsigned char head[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
    struct bits bits = {.data = calloc(1, whole / 258 * 13 / 8 + 64), .size = sizeof(head)};

    memcpy(bits.data, head, sizeof(head));
    put_bit(&bits, 1);        /* the last block */
    put_bit(&bits, 1);        /* of the fixed codes: 01, */
    put_bit(&bits, 0);        /* the lowest bit first */
    put_code(&bits, 0x30, 8); /* the byte 0 */
    for (size_t size = 1; size + 258 <= whole; size += 258)
        put_code(&bits, 0xc5 << 5, 13); /* length 258, distance 1 */
    put_code(&bits, 0, 7);              /* the end; its check sum nobody lives to see */
    bits.size += 16;
    *ret_size = bits.size;
    return (char *)bits.data;
}

/* --- a certificate ------------------------------------------------------------------------ */

SSL_CTX *
llm_stub_certificate(void)
{
    SSL_CTX *self = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);

    ck_assert(self && key && certificate);
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"127.0.0.1", -1,
                               -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_set_pubkey(certificate, key);
    ck_assert_int_gt(X509_sign(certificate, key, EVP_sha256()), 0);
    ck_assert_int_eq(SSL_CTX_use_certificate(self, certificate), 1);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey(self, key), 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return self;
}
