/* uuid - the ids of jobs and workspaces.
 *
 * tm_uuid_new makes version 7 (RFC 9562): sorted by time, so that indexes stay dense.
 */
#ifndef PROTO_UUID_H
#define PROTO_UUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint8_t bytes[16];
} tm_uuid_t;

#define TM_UUID_TEXT 37
tm_uuid_t tm_uuid_new(void);
bool tm_uuid_is(const tm_uuid_t *a, const tm_uuid_t *b);
bool tm_uuid_is_nil(const tm_uuid_t *self);
TM_CHECKED tm_err_t tm_uuid_parse(const char *text, size_t size,
                                  tm_uuid_t *ret);                        /* 8-4-4-4-12 */
const char *tm_uuid_text(const tm_uuid_t *self, char text[TM_UUID_TEXT]); /* returns text */

#ifdef __cplusplus
}
#endif

#endif
