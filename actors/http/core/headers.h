/* headers - request headers that have a syntax of their own. Pure functions on text.
 */
#ifndef ACTORS_HTTP_CORE_HEADERS_H
#define ACTORS_HTTP_CORE_HEADERS_H

#include <stddef.h>
#include <stdint.h>

#include "proto/message.h"

#define IDEMPOTENCY_KEY_MAX 200

/* An idempotency key, bare or as an RFC 8941 string ("...", parameters after it are ignored).
 * TM_IDEMPOTENCY_KEY_TOO_LONG; TM_VALIDATION_FAILED: empty, not visible ASCII, or a string that
 * does not end. ret: IDEMPOTENCY_KEY_MAX + 1 bytes, written on success only. */
TM_CHECKED tm_err_t idempotency_key_parse(const char *text, size_t size, char *ret);

/* RFC 7240 Prefer. *ret_wait_ms is left alone where the client prefers nothing we know; wait is
 * cut to max_ms; respond-async means 0, whatever else is said. */
void prefer_parse(const char *text, int64_t max_ms, int64_t *ret_wait_ms);

/* Without the blanks around it, which the library leaves at its end. May be NULL. */
tm_str_t header_value(const char *text);
/* The value of the cookie of exactly this name in a Cookie header (RFC 6265): the first one,
 * without the quotes that may stand around it. Written if it is there; else false. */
bool cookie_find(const char *text, const char *name, tm_str_t *ret);
/* The token of an Authorization of scheme Bearer (RFC 6750); else an empty one. May be NULL. */
tm_str_t bearer_token(const char *text);
/* RFC 9110 Accept: a page is named, and wanted more than JSON is. */
bool accepts_html(const char *text);

/* 1 to 128 of A-Z a-z 0-9 . _ - */
#define REQUEST_ID_MAX 128
bool request_id_is_sane(const char *text);

/* Whether an If-None-Match says this ETag, which has its quotes, or "*". What a proxy made weak
 * (W/) is the same here. */
bool etag_is_among(const char *text, const char *etag);

/* The digits of a Content-Length; what is too large to count is UINT64_MAX. false: not digits.
 */
bool content_length_parse(const char *text, uint64_t *ret);

#endif
