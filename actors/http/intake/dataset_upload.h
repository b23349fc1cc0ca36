/* dataset_upload - brings a spooled file to the broker, unless it has it already.
 *
 * One question first, then pieces of 1 MiB, a bounded number of them without an answer. fn runs
 * once, when nothing is in flight any more, also after an error. The form outlives it.
 */
#ifndef ACTORS_HTTP_INTAKE_DATASET_UPLOAD_H
#define ACTORS_HTTP_INTAKE_DATASET_UPLOAD_H

#include "actors/http/core/form.h"
#include "proto/client.h"

typedef void dataset_upload_fn(void *arg, tm_err_t err, const char *detail);

/* Of the caller's; its members are this module's. */
struct dataset_upload {
    tm_client_t *client;
    const form_t *form;
    dataset_upload_fn *fn;
    void *arg;
    uint64_t sent;
    unsigned in_flight;
    bool is_asked, is_complete;
    tm_err_t err; /* the first */
    char detail[512];
};

void dataset_upload_start(struct dataset_upload *self, tm_client_t *client, const form_t *form,
                          dataset_upload_fn *fn, void *arg);

#endif
