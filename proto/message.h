/* message - the structs, encoder, decoder and printer of messages.def.
 *
 * Decoding walks the frame with a bounded cursor: it allocates nothing, never reads past the
 * frame, and what it returns borrows from the frame. Encoding writes into a buffer.
 */
#ifndef PROTO_MESSAGE_H
#define PROTO_MESSAGE_H

#include <czmq.h>
#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "messages.def"
#include "uuid.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Borrowed bytes, not terminated. data is never NULL after decoding. */
typedef struct {
    const char *data;
    size_t size;
} tm_str_t;

typedef enum {
    TM_MSG_NONE = 0,
#define M(NAME, name, number, roles, way, doc) TM_MSG_##NAME = (number),
    TM_MESSAGES(M)
#undef M
        TM_MSG_LIMIT = 64 /* numbers are below this */
} tm_msg_type_t;

/* Who may say a message: a set of roles. */
typedef enum {
#define R(ROLE, role, bit, doc) TM_BY_##ROLE = 1 << (bit),
    TM_ROLES(R)
#undef R
        TM_BY_PEERS = TM_BY_PRODUCER | TM_BY_WORKER | TM_BY_MONITOR,
    TM_BY_ANY = TM_BY_PEERS | TM_BY_BROKER
} tm_roles_t;

/* C types of the field kinds */
#define TM_C_U64  uint64_t
#define TM_C_BOOL bool
#define TM_C_STR  tm_str_t
#define TM_C_BIN  tm_str_t
#define TM_C_UUID tm_uuid_t

/* struct tm_submit, struct tm_accepted, ... An optional field has `has_<field>` beside it: the
 * encoder writes the field only if it is set, the decoder sets it if the field was there.
 * Required fields have it too, and the encoder ignores it. */
#define F(m, key, KIND, field, need, limit, doc) \
    TM_C_##KIND field;                           \
    bool has_##field;
#define M(NAME, name, number, roles, way, doc) \
    struct tm_##name {                         \
        TM_FIELDS_##name(F, name)              \
    };
TM_MESSAGES(M)
#undef M
#undef F

typedef struct {
    tm_msg_type_t type;
    uint64_t version;
    union {
#define M(NAME, name, number, roles, way, doc) struct tm_##name name;
        TM_MESSAGES(M)
#undef M
    };
    tm_str_t body; /* the body frame, borrowed */
} tm_msg_t;

/* Reads one header frame. TM_UNKNOWN_MESSAGE: well formed as far as read, of a number that this
 * version does not have. `msg` is written on success only; for TM_BAD_MESSAGE, *ret_what (may
 * be NULL) names what was wrong in a constant string. ret->body is left empty. */
TM_CHECKED tm_err_t tm_msg_decode(const void *data, size_t size, tm_msg_t *ret,
                                  const char **ret_what);

/* Encodes the header alone into a buffer of TM_HEADER_MAX bytes; returns the size, 0 if a field
 * is over its limit or a STR is not UTF-8: what a peer would refuse is never sent. */
#define TM_HEADER_MAX 8192
#define TM_BODY_MAX   (16u << 20) /* no body frame is larger; a broker may take less */
size_t tm_msg_encode(const tm_msg_t *msg, uint8_t *buffer);

/* One line for a log: `SUBMIT ref=1 job=... queue=tune body=120`. Values of STR fields are
 * escaped and cut; keys and bodies are shown by size only. Always terminates. */
void tm_msg_print(const tm_msg_t *msg, char *buffer, size_t size);

const char *tm_msg_name(tm_msg_type_t type); /* "SUBMIT", NULL if unknown */
unsigned tm_msg_roles(tm_msg_type_t type);   /* who may say it; 0 if unknown */

/* The roles of a certificate, as in "producer,monitor": of TM_BY_PEERS. 0: that is no such
 * list. */
unsigned tm_roles_parse(const char *text);
/* "producer, monitor", of any roles. Cut if `size` is too small; returns text. */
const char *tm_roles_text(unsigned roles, char *text, size_t size);

tm_str_t tm_str(const char *text); /* borrows; NULL gives an empty one */
bool tm_str_is(tm_str_t self, const char *text);
char *tm_str_dup(tm_str_t self); /* freed by the caller */
/* done, dead, canceled or rejected: a job of it has ended */
bool tm_state_is_over(tm_str_t state);

/* Copies as much of `text` (may be NULL) as fits into `size` bytes of `buffer`, whole
 * characters only, `?` for what is not UTF-8. For texts that others wrote and a STR field is to
 * carry. */
tm_str_t tm_text_clean(const char *text, char *buffer, size_t size);

#ifdef __cplusplus
}
#endif

#endif
