/* form - a multipart form as it arrives: small fields in memory, the file in a spool.
 *
 * Bounded: FORM_FIELDS fields of FORM_FIELD_BYTES each, one file of the stated size. The spool
 * file has no name: it is gone with its descriptor. Once a part was refused the rest is only
 * counted, and form_error says why.
 */
#ifndef ACTORS_HTTP_CORE_FORM_H
#define ACTORS_HTTP_CORE_FORM_H

#include "actors/http/core/problem.h"
#include "actors/kit/util/digest.h"

#define FORM_FIELDS      32
#define FORM_FIELD_BYTES ((size_t)64 << 10)
#define FORM_NAME_MAX    64
#define FORM_FILE_NAME   256

typedef struct form form_t;

struct form_field {
    char name[FORM_NAME_MAX];
    char *data; /* terminated; may hold NULs within */
    size_t size;
};

/* NULL: no spool file can be made in `dir` (which is made if it is missing). */
form_t *form_new(const char *dir, uint64_t max_file_bytes);
void form_destroy(form_t **self_p);

/* A piece of the part `name`, from `offset` of it on. The part named "file" is the file. */
TM_CHECKED tm_err_t form_part(form_t *self, const char *name, const char *filename,
                              uint64_t offset, const void *data, size_t size);
void form_end(form_t *self); /* nothing more comes: closes the hash */

const struct problem *form_error(const form_t *self); /* NULL: none */
size_t form_count(const form_t *self);
const struct form_field *form_at(const form_t *self, size_t index);
const struct form_field *form_find(const form_t *self, const char *name); /* NULL: absent */

bool form_has_file(const form_t *self);
const char *form_file_name(const form_t *self); /* without directories, UTF-8; "" if unknown */
uint64_t form_file_size(const form_t *self);
const uint8_t *form_file_sha256(const form_t *self); /* after form_end */
int form_file(const form_t *self);                   /* the spool, at its beginning; borrowed */
/* Up to `size` bytes of the file; TM_INTERNAL when it cannot be read. */
TM_CHECKED tm_err_t form_file_read(const form_t *self, uint64_t offset, void *data,
                                   size_t size);

#endif
