/* upload - puts a file's bytes where the tune workers find them, by way of a broker. */
#ifndef OPS_CLI_UPLOAD_H
#define OPS_CLI_UPLOAD_H

#include "proto/client.h"

/* Asks first whether the content is known, and sends nothing then. */
TM_CHECKED tm_err_t upload_run(tm_client_t *client, const void *data, size_t size,
                               const uint8_t sha256[32], char *detail, size_t detail_size);

#endif
