/* digest - SHA-256 and its HMAC (libcrypto), and hexadecimal text. */
#ifndef ACTORS_KIT_UTIL_DIGEST_H
#define ACTORS_KIT_UTIL_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32
#define SHA256_TEXT 65

typedef struct digest digest_t;
digest_t *digest_new(void);
void digest_destroy(digest_t **self_p);
void digest_add(digest_t *self, const void *data, size_t size);
void digest_end(digest_t *self, uint8_t out[SHA256_SIZE]);

void digest_of(const void *data, size_t size, uint8_t out[SHA256_SIZE]);
/* HMAC-SHA256 (RFC 2104) */
void hmac_of(const void *key, size_t key_size, const void *data, size_t size,
             uint8_t out[SHA256_SIZE]);
/* In a time that does not depend on where they differ. For secrets of any length: compare their
 * digests. */
bool digest_is(const uint8_t a[SHA256_SIZE], const uint8_t b[SHA256_SIZE]);

const char *hex_text(const uint8_t *data, size_t size, char *text); /* text: 2*size+1 bytes */
bool hex_parse(const char *text, uint8_t *data, size_t size);       /* exactly 2*size digits */

#endif
