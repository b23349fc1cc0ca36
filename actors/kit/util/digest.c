#include "actors/kit/util/digest.h"

#include <czmq.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

struct digest {
    EVP_MD_CTX *context;
};

/* libcrypto refuses SHA-256 only when it is out of memory or misconfigured; a wrong hash in its
 * place would be stored for ever. */
static void
must(int ok)
{
    if (ok == 1)
        return;
    fputs("libcrypto cannot compute SHA-256: it is misconfigured, or out of memory\n", stderr);
    abort();
}

digest_t *
digest_new(void)
{
    digest_t *self = zmalloc(sizeof(*self));

    self->context = EVP_MD_CTX_new();
    must(self->context != NULL);
    must(EVP_DigestInit_ex(self->context, EVP_sha256(), NULL));
    return self;
}

void
digest_destroy(digest_t **self_p)
{
    digest_t *self = *self_p;

    if (!self)
        return;
    EVP_MD_CTX_free(self->context);
    free(self);
    *self_p = NULL;
}

void
digest_add(digest_t *self, const void *data, size_t size)
{
    must(EVP_DigestUpdate(self->context, data, size));
}

void
digest_end(digest_t *self, uint8_t out[SHA256_SIZE])
{
    must(EVP_DigestFinal_ex(self->context, out, NULL));
    must(EVP_DigestInit_ex(self->context, EVP_sha256(), NULL));
}

void
digest_of(const void *data, size_t size, uint8_t out[SHA256_SIZE])
{
    must(EVP_Digest(data, size, out, NULL, EVP_sha256(), NULL));
}

void
hmac_of(const void *key, size_t key_size, const void *data, size_t size,
        uint8_t out[SHA256_SIZE])
{
    assert(key_size <= INT_MAX);
    must(HMAC(EVP_sha256(), key, (int)key_size, data, size, out, NULL) != NULL);
}

bool
digest_is(const uint8_t a[SHA256_SIZE], const uint8_t b[SHA256_SIZE])
{
    return CRYPTO_memcmp(a, b, SHA256_SIZE) == 0;
}

const char *
hex_text(const uint8_t *data, size_t size, char *text)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[data[i] >> 4];
        text[2 * i + 1] = digits[data[i] & 15];
    }
    text[2 * size] = '\0';
    return text;
}

static int
digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool
hex_parse(const char *text, uint8_t *data, size_t size)
{
    if (strnlen(text, 2 * size + 1) != 2 * size)
        return false;
    for (size_t i = 0; i < size; i++) {
        int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        data[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
